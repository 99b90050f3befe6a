/** Points, error bars and limits, drawn on the canvas of the plot: one path for each passband. */
import type uPlot from "uplot";
import type { CurvePoint } from "../lib/lightcurve.ts";
import type { Look, Shape } from "./palette.ts";

const ARROW = 13;
const CAP = 2.5;

function addShape(path: Path2D, shape: Shape, x: number, y: number, r: number): void {
  switch (shape) {
    case "circle":
    case "ring":
      path.moveTo(x + r, y);
      path.arc(x, y, r, 0, 2 * Math.PI);
      return;
    case "square":
    case "box":
      path.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
      return;
    case "diamond":
      addPolygon(path, [
        [x, y - 1.3 * r],
        [x + 1.3 * r, y],
        [x, y + 1.3 * r],
        [x - 1.3 * r, y],
      ]);
      return;
    case "triangle":
      addPolygon(path, [
        [x, y - 1.25 * r],
        [x + 1.2 * r, y + 0.9 * r],
        [x - 1.2 * r, y + 0.9 * r],
      ]);
  }
}

function addPolygon(path: Path2D, corners: readonly (readonly [number, number])[]): void {
  corners.forEach(([x, y], i) => (i === 0 ? path.moveTo(x, y) : path.lineTo(x, y)));
  path.closePath();
}

function addErrorBar(path: Path2D, x: number, low: number, high: number, cap: number): void {
  path.moveTo(x, low);
  path.lineTo(x, high);
  path.moveTo(x - cap, low);
  path.lineTo(x + cap, low);
  path.moveTo(x - cap, high);
  path.lineTo(x + cap, high);
}

/** A bar at the limiting magnitude and an arrow towards the fainter side. */
function addLimit(path: Path2D, x: number, y: number, scale: number): void {
  const tip = y + ARROW * scale;
  path.moveTo(x - 4 * scale, y);
  path.lineTo(x + 4 * scale, y);
  path.moveTo(x, y);
  path.lineTo(x, tip);
  path.moveTo(x - 3 * scale, tip - 4 * scale);
  path.lineTo(x, tip);
  path.lineTo(x + 3 * scale, tip - 4 * scale);
}

interface Paths {
  readonly lines: Path2D;
  readonly bodies: Path2D;
}

/** Draw the points; call it from the plot's draw hook. Hollow shapes are filled with `paper`. */
export function drawMarks(
  u: uPlot,
  points: readonly CurvePoint[],
  looks: ReadonlyMap<string, Look>,
  colours: ReadonlyMap<string, string>,
  paper: string,
): void {
  const scale = devicePixelRatio;
  const radius = (points.length > 2000 ? 2 : 3.2) * scale;
  const from = u.scales["x"]?.min ?? -Infinity;
  const to = u.scales["x"]?.max ?? Infinity;
  const paths = new Map<string, Paths>();
  for (const point of points) {
    const look = looks.get(point.passband);
    if (look === undefined || point.mjd < from || point.mjd > to) continue;
    let own = paths.get(point.passband);
    if (own === undefined) paths.set(point.passband, (own = { lines: new Path2D(), bodies: new Path2D() }));
    const x = u.valToPos(point.mjd, "x", true);
    const y = u.valToPos(point.mag, "y", true);
    if (point.is_limit) {
      addLimit(own.lines, x, y, scale);
      continue;
    }
    const error = point.mag_err ?? 0;
    const low = u.valToPos(point.mag + error, "y", true);
    const high = u.valToPos(point.mag - error, "y", true);
    if (low - high > 2 * radius) addErrorBar(own.lines, x, low, high, CAP * scale);
    addShape(own.bodies, look.shape, x, y, radius);
  }
  strokeAll(u, paths, looks, colours, paper);
}

function strokeAll(
  u: uPlot,
  paths: ReadonlyMap<string, Paths>,
  looks: ReadonlyMap<string, Look>,
  colours: ReadonlyMap<string, string>,
  paper: string,
): void {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.lineWidth = 1.25 * devicePixelRatio;
  for (const [passband, { lines, bodies }] of paths) {
    const look = looks.get(passband);
    const colour = colours.get(passband) ?? "grey";
    const hollow = look?.shape === "ring" || look?.shape === "box";
    ctx.strokeStyle = colour;
    ctx.fillStyle = hollow ? paper : colour;
    ctx.stroke(lines);
    ctx.fill(bodies);
    if (hollow) ctx.stroke(bodies);
  }
  ctx.restore();
}
