/** Residuals against catalogue magnitude, as SVG: the zero line, the scatter's band, outliers hollow. */
import { svg } from "../lib/dom.ts";
import { fixed } from "../lib/format.ts";
import { type FitStar, INLIER } from "../lib/report.ts";
import { numberTicks } from "./roundticks.ts";

const HEIGHT = 300;
const MARGIN = { left: 52, right: 12, top: 12, bottom: 40 };

type Scale = (value: number) => number;

function scaleOf(from: number, to: number, start: number, end: number): Scale {
  return (value) => start + ((value - from) / (to - from)) * (end - start);
}

function span(values: readonly number[], least: number): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = Math.max(least, (high - low) * 0.06);
  return [low - margin, high + margin];
}

function label(text: string, x: number, y: number, anchor: string): SVGElement {
  return svg("text", { x, y, "text-anchor": anchor }, text);
}

function axes(x: Scale, y: Scale, xs: readonly [number, number], ys: readonly [number, number]): SVGElement[] {
  const [right, bottom] = [x(xs[1]), HEIGHT - MARGIN.bottom];
  const parts: SVGElement[] = [];
  for (const at of numberTicks(xs[0], xs[1], (right - MARGIN.left) / 70)) {
    parts.push(svg("line", { class: "grid-line", x1: x(at.value), x2: x(at.value), y1: MARGIN.top, y2: bottom }));
    parts.push(label(at.label, x(at.value), bottom + 16, "middle"));
  }
  for (const at of numberTicks(ys[0], ys[1], 6)) {
    parts.push(svg("line", { class: "grid-line", x1: MARGIN.left, x2: right, y1: y(at.value), y2: y(at.value) }));
    parts.push(label(at.label, MARGIN.left - 8, y(at.value) + 4, "end"));
  }
  parts.push(label("Catalogue magnitude", (MARGIN.left + right) / 2, HEIGHT - 5, "middle"));
  return parts;
}

function mark(star: FitStar, x: Scale, y: Scale): SVGElement {
  const said = `${fixed(star.ref_mag, 3)} mag, residual ${fixed(star.residual, 3)}`;
  const look = star.inlier < INLIER ? "outlier" : "inlier";
  return svg(
    "circle",
    { class: look, cx: x(star.ref_mag).toFixed(1), cy: y(star.residual).toFixed(1), r: 3 },
    svg("title", {}, said),
  );
}

/** The picture for one candidate, `width` pixels wide; `scatter` is its fitted scatter in magnitudes. */
export function residualPlot(
  stars: readonly FitStar[],
  scatter: number | null,
  passband: string,
  width: number,
): SVGElement {
  const xs = span(
    stars.map((star) => star.ref_mag),
    0.1,
  );
  const ys = span([...stars.map((star) => star.residual), -0.05, 0.05], 0.01);
  const x = scaleOf(xs[0], xs[1], MARGIN.left, width - MARGIN.right);
  const y = scaleOf(ys[0], ys[1], HEIGHT - MARGIN.bottom, MARGIN.top);
  const [left, right] = [MARGIN.left, width - MARGIN.right];
  const wide = scatter ?? 0;
  return svg(
    "svg",
    {
      class: "residuals",
      viewBox: `0 0 ${width} ${HEIGHT}`,
      role: "img",
      "aria-label": `Residuals of ${passband} against catalogue magnitude`,
    },
    svg("rect", { class: "band", x: left, width: right - left, y: y(wide), height: Math.max(0, y(-wide) - y(wide)) }),
    ...axes(x, y, xs, ys),
    svg("line", { class: "zero", x1: left, x2: right, y1: y(0), y2: y(0) }),
    ...stars.map((star) => mark(star, x, y)),
  );
}
