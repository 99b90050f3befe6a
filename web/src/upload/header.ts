/**
 * What the head of a file says about the time of the exposure: a guess to be confirmed, never silently used.
 *
 * FITS cards are found as text, so that a FITS_LDAC catalogue, which carries the image's header as a table cell, is
 * understood like an image. Comment lines of ASCII catalogues (`# MJD-OBS = 58299.1`) are too.
 */
import { parseMjd } from "../lib/format.ts";

export interface HeaderGuess {
  readonly mjd: number;
  readonly exposure_s: number | null;
  /** How it was come by, in a few words. */
  readonly how: string;
}

const SECONDS_PER_DAY = 86_400;

function card(head: string, name: string): string | null {
  const found = new RegExp(`(?:^|[\\s#\\0])${name} *= *(?:'([^']*)'|([^\\s/']+))`).exec(head);
  return found === null ? null : (found[1] ?? found[2] ?? "").trim();
}

function numberOf(head: string, ...names: string[]): number | null {
  for (const name of names) {
    const text = card(head, name);
    if (text !== null && text !== "" && Number.isFinite(Number(text))) return Number(text);
  }
  return null;
}

/** The middle of the exposure from the first bytes of a file, or null. */
export function guessTime(head: string): HeaderGuess | null {
  const exposure = numberOf(head, "EXPTIME", "EXPOSURE");
  const middle = numberOf(head, "MJD-MID", "MJD_MID");
  if (middle !== null) return { mjd: middle, exposure_s: exposure, how: "MJD-MID of the header" };
  const half = (exposure ?? 0) / 2 / SECONDS_PER_DAY;
  const added = exposure === null ? "" : " + half the exposure";
  const start = numberOf(head, "MJD-OBS");
  if (start !== null) return { mjd: start + half, exposure_s: exposure, how: `MJD-OBS${added}` };
  const date = parseMjd(card(head, "DATE-OBS") ?? "");
  return date === null ? null : { mjd: date + half, exposure_s: exposure, how: `DATE-OBS${added}` };
}
