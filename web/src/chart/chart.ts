/** The light curve as a plot: magnitudes downwards, MJD below, the calendar above. Loaded only where it is shown. */
import uPlot from "uplot";
import "../css/chart.css";
import { h } from "../lib/dom.ts";
import type { CurvePoint } from "../lib/lightcurve.ts";
import { drawMarks } from "./marks.ts";
import type { Look } from "./palette.ts";
import { calendarTicks } from "./ticks.ts";

const NARROW = 560;
const REACH = 28; // pixels within which a point is read out
const HELP =
  "Light curve. Left and right arrows move, plus and minus zoom, 0 shows all. The table below holds the same points.";

export interface ChartSettings {
  readonly points: readonly CurvePoint[]; // oldest first
  readonly looks: ReadonlyMap<string, Look>;
  readonly onPoint: (point: CurvePoint | null) => void;
}

function property(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** The plot, its keys, touches and zoom. */
export class Chart {
  readonly element: HTMLElement;
  readonly #settings: ChartSettings;
  readonly #plot: uPlot;
  #shown: readonly CurvePoint[];
  #colours = new Map<string, string>();
  #paper = "";
  #ink = "";
  #rule = "";

  constructor(settings: ChartSettings, width: number) {
    this.#settings = settings;
    this.#shown = settings.points;
    this.#readColours();
    this.element = h("div", { class: "plot", tabindex: 0, role: "application", "aria-label": HELP });
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.#plot = new uPlot(this.#options(width), this.#data(), this.element);
    this.#touch();
    addEventListener("cpcs:theme", () => {
      this.#readColours();
      this.#plot.redraw(false, true);
    });
    new ResizeObserver(() => this.#fit()).observe(this.element);
  }

  /** Show only these passbands; the zoom stays. */
  show(passbands: ReadonlySet<string>): void {
    this.#shown = this.#settings.points.filter((point) => passbands.has(point.passband));
    const { min, max } = this.#range();
    this.#plot.setData(this.#data(), false);
    this.#plot.setScale("x", { min, max });
  }

  /** Zoom about the middle: below 1 closer, above 1 wider. */
  zoom(factor: number, shift = 0): void {
    const { min, max } = this.#range();
    const middle = (min + max) / 2 + shift * (max - min);
    const half = Math.max(1e-4, ((max - min) / 2) * factor);
    this.#plot.setScale("x", { min: middle - half, max: middle + half });
  }

  /** Show the whole time span. */
  all(): void {
    const [min, max] = this.#span();
    this.#plot.setScale("x", { min, max });
  }

  #range(): { min: number; max: number } {
    const [min, max] = this.#span();
    return { min: this.#plot.scales["x"]?.min ?? min, max: this.#plot.scales["x"]?.max ?? max };
  }

  #span(): [number, number] {
    const first = this.#settings.points[0]?.mjd ?? 0;
    const last = this.#settings.points.at(-1)?.mjd ?? 1;
    const margin = Math.max(0.02, (last - first) * 0.03);
    return [first - margin, last + margin];
  }

  /** The magnitudes of what is in view, with their errors, and room for the arrows of limits. */
  #magnitudes(u: uPlot): [number, number] {
    const from = u.scales["x"]?.min ?? -Infinity;
    const to = u.scales["x"]?.max ?? Infinity;
    let bright = Infinity;
    let faint = -Infinity;
    for (const point of this.#shown) {
      if (point.mjd < from || point.mjd > to) continue;
      const error = Math.min(point.mag_err ?? 0, 1);
      bright = Math.min(bright, point.mag - error);
      faint = Math.max(faint, point.mag + error);
    }
    if (!(faint >= bright)) return [10, 20];
    const margin = Math.max(0.05, (faint - bright) * 0.08);
    return [bright - margin, faint + 1.4 * margin];
  }

  #data(): uPlot.AlignedData {
    return [this.#shown.map((point) => point.mjd), this.#shown.map((point) => point.mag)];
  }

  #options(width: number): uPlot.Options {
    const small = width < NARROW;
    const font = `${small ? 11 : 12}px ${property("--sans") || "sans-serif"}`;
    const look = {
      font,
      labelFont: font,
      stroke: () => this.#ink,
      labelGap: 0,
      labelSize: 20,
      grid: { stroke: () => this.#rule, width: 1 },
      ticks: { stroke: () => this.#rule, width: 1, size: 5 },
    };
    const days: uPlot.Axis = {
      ...look,
      size: 28,
      label: small ? "" : "MJD (UTC)",
      space: 90,
      values: (_u, at) => at.map(String),
    };
    if (small) delete days.label;
    const calendar: uPlot.Axis = {
      ...look,
      side: 0,
      scale: "x",
      size: 34,
      grid: { show: false },
      splits: (u) => this.#calendar(u).map((tick) => tick.mjd),
      values: (u) => this.#calendar(u).map((tick) => tick.label),
    };
    const magnitudes: uPlot.Axis = { ...look, size: 46, ...(small ? {} : { label: "Magnitude" }) };
    const [min, max] = this.#span();
    return {
      width,
      height: this.#height(width),
      legend: { show: false },
      cursor: { points: { show: false }, y: false, drag: { x: true, y: false } },
      scales: {
        x: { time: false, range: (_u, from, to) => (from === null || from === to ? [min, max] : [from, to]) },
        y: { dir: -1, range: (u) => this.#magnitudes(u) },
      },
      axes: [days, magnitudes, calendar],
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: {
        draw: [(u) => drawMarks(u, this.#shown, this.#settings.looks, this.#colours, this.#paper)],
        setCursor: [(u) => this.#settings.onPoint(this.#nearest(u))],
        ready: [(u) => u.setScale("x", { min, max })],
      },
    };
  }

  #calendar(u: uPlot): readonly { mjd: number; label: string }[] {
    const { min, max } = this.#range();
    return calendarTicks(min, max, Math.max(2, Math.floor(u.width / 110)));
  }

  #nearest(u: uPlot): CurvePoint | null {
    const { left = -1, top = -1 } = u.cursor;
    if (left < 0 || top < 0) return null;
    let best: CurvePoint | null = null;
    let reach = REACH;
    for (const point of this.#shown) {
      const dx = u.valToPos(point.mjd, "x") - left;
      if (Math.abs(dx) >= reach) continue;
      const distance = Math.hypot(dx, u.valToPos(point.mag, "y") - top);
      if (distance < reach) [best, reach] = [point, distance];
    }
    return best;
  }

  #height(width: number): number {
    return Math.round(Math.min(460, Math.max(300, width * 0.5)));
  }

  #fit(): void {
    const width = this.element.clientWidth;
    if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: this.#height(width) });
  }

  #readColours(): void {
    this.#paper = property("--paper");
    this.#ink = property("--soft");
    this.#rule = property("--rule");
    for (const [passband, look] of this.#settings.looks) this.#colours.set(passband, property(look.colour));
  }

  #key(event: KeyboardEvent): void {
    const actions: Record<string, () => void> = {
      ArrowLeft: () => this.zoom(1, -0.1),
      ArrowRight: () => this.zoom(1, 0.1),
      "+": () => this.zoom(0.7),
      "=": () => this.zoom(0.7),
      "-": () => this.zoom(1 / 0.7),
      "0": () => this.all(),
    };
    const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  }

  /** A finger moves the plot sideways, two fingers zoom; up and down scroll the page. */
  #touch(): void {
    const over = this.#plot.over;
    const fingers = new Map<number, number>();
    const spread = (): number => Math.max(...fingers.values()) - Math.min(...fingers.values());
    const middle = (): number => [...fingers.values()].reduce((sum, x) => sum + x, 0) / fingers.size;
    over.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "touch") fingers.set(event.pointerId, event.clientX);
    });
    over.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId)) return;
      const [before, width] = [middle(), spread()];
      fingers.set(event.pointerId, event.clientX);
      const factor = fingers.size > 1 && spread() > 10 ? width / spread() : 1;
      this.zoom(factor, (before - middle()) / over.clientWidth);
    });
    for (const end of ["pointerup", "pointercancel", "pointerleave"] as const) {
      over.addEventListener(end, (event) => fingers.delete(event.pointerId));
    }
  }
}
