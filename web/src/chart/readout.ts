/** What stands beneath the plot: the point under the pointer, in words. */
import { h } from "../lib/dom.ts";
import { dateOfMjd, magnitude } from "../lib/format.ts";
import type { CurvePoint } from "../lib/lightcurve.ts";

const MOUSE = "Point at the plot to read a value; drag to zoom.";
const TOUCH = "Tap a point to read it; two fingers zoom.";

/** The parts of the line; without a point, how to get one. */
export function readout(point: CurvePoint | null): Node[] {
  if (point === null) return [h("span", { class: "soft" }, matchMedia("(pointer: coarse)").matches ? TOUCH : MOUSE)];
  return [
    h("strong", {}, magnitude(point.mag, point.mag_err, point.is_limit)),
    h("span", {}, point.passband),
    h("span", {}, `${dateOfMjd(point.mjd, true)} UTC`),
    h("span", {}, `MJD ${point.mjd.toFixed(5)}`),
    h("span", {}, point.observatory),
  ];
}
