/** The filters as switches, each with its colour and shape. */
import { h, svg } from "../lib/dom.ts";
import type { Band } from "../lib/lightcurve.ts";
import type { Look, Shape } from "./palette.ts";

function swatch(look: Look): SVGElement {
  const shapes: Record<Shape, () => SVGElement> = {
    circle: () => svg("circle", { cx: 8, cy: 8, r: 5, fill: "currentColor" }),
    ring: () => svg("circle", { cx: 8, cy: 8, r: 4.5, fill: "none", stroke: "currentColor", "stroke-width": 2 }),
    square: () => svg("rect", { x: 3.5, y: 3.5, width: 9, height: 9, fill: "currentColor" }),
    box: () =>
      svg("rect", { x: 4, y: 4, width: 8, height: 8, fill: "none", stroke: "currentColor", "stroke-width": 2 }),
    diamond: () => svg("path", { d: "M8 1.5 14.5 8 8 14.5 1.5 8Z", fill: "currentColor" }),
    triangle: () => svg("path", { d: "M8 2 14 13H2Z", fill: "currentColor" }),
  };
  const mark = svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, shapes[look.shape]());
  mark.style.color = `var(${look.colour})`;
  return mark;
}

/** One switch for each passband; `onChange` gets those that are on. */
export function legend(
  bands: readonly Band[],
  looks: ReadonlyMap<string, Look>,
  onChange: (shown: ReadonlySet<string>) => void,
): HTMLElement {
  const shown = new Set(bands.map((band) => band.passband));
  const switches = bands.map((band) => {
    const box = h("input", { type: "checkbox", checked: true });
    box.addEventListener("change", () => {
      if (box.checked) shown.add(band.passband);
      else shown.delete(band.passband);
      onChange(shown);
    });
    const look = looks.get(band.passband);
    return h(
      "label",
      {},
      box,
      look ? swatch(look) : null,
      h("span", {}, band.passband),
      h("span", { class: "soft" }, band.n),
    );
  });
  return h("fieldset", { class: "legend" }, h("legend", { class: "hidden" }, "Filters shown"), ...switches);
}
