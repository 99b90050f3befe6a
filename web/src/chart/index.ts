/** The light curve with its legend: the part of the event page that is loaded when there are points to show. */
import { fill, h } from "../lib/dom.ts";
import { bandsOf, type CurvePoint } from "../lib/lightcurve.ts";
import { Chart } from "./chart.ts";
import { legend } from "./legend.ts";
import { looksOf } from "./palette.ts";
import { readout } from "./readout.ts";

function tool(label: string, said: string, act: () => void): HTMLElement {
  return h("button", { type: "button", class: "quiet", "aria-label": said, onclick: act }, label);
}

/** Fill `root` with the plot of the points (oldest first), the switches of their filters, and a line that reads them. */
export function showLightCurve(points: readonly CurvePoint[], root: HTMLElement): void {
  const bands = bandsOf(points);
  const looks = looksOf(bands);
  const line = h("div", { class: "readout" }, ...readout(null));
  const chart = new Chart({ points, looks, onPoint: (point) => fill(line, ...readout(point)) }, root.clientWidth);
  const tools = h(
    "div",
    { class: "chart-tools" },
    tool("+", "Zoom in", () => chart.zoom(0.7)),
    tool("−", "Zoom out", () => chart.zoom(1 / 0.7)),
    tool("All", "Show the whole light curve", () => chart.all()),
  );
  fill(
    root,
    h(
      "div",
      { class: "row" },
      legend(bands, looks, (shown) => chart.show(shown)),
      tools,
    ),
    chart.element,
    line,
  );
}
