/** Colours by wavelength and marks by catalogue: told apart by colour and by shape. */
import type { Band } from "../lib/lightcurve.ts";

export const SHAPES = ["circle", "square", "diamond", "triangle", "ring", "box"] as const;
export type Shape = (typeof SHAPES)[number];

/** The custom property of the style sheet that holds the colour of a filter. */
export function colourName(filter: string): string {
  const first = filter.startsWith("BP") ? "bp" : filter.startsWith("RP") ? "rp" : filter.charAt(0);
  const family: Record<string, string> = {
    U: "u",
    u: "u",
    B: "b",
    bp: "b",
    g: "g",
    V: "v",
    G: "v",
    r: "r",
    R: "r",
    rp: "r",
    i: "i",
    I: "i",
    z: "z",
    Z: "z",
    y: "y",
    Y: "y",
    J: "j",
    H: "h",
    K: "k",
  };
  return `--band-${family[first] ?? "other"}`;
}

export interface Look {
  readonly colour: string;
  readonly shape: Shape;
}

/** The look of each passband: one shape for each catalogue, in order of appearance; colours as CSS properties. */
export function looksOf(bands: readonly Band[]): Map<string, Look> {
  const catalogues = [...new Set(bands.map((band) => band.catalogue))];
  return new Map(
    bands.map((band) => {
      const shape = SHAPES[catalogues.indexOf(band.catalogue) % SHAPES.length] ?? "circle";
      return [band.passband, { colour: colourName(band.filter), shape }];
    }),
  );
}
