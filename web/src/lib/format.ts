/** Numbers, dates and places as text. All dates are UTC. Missing values become an em dash. */

export const NONE = "—";
const MJD_OF_UNIX_EPOCH = 40587;
const MS_PER_DAY = 86_400_000;
export const JD_MINUS_MJD = 2_400_000.5;

export type Maybe = number | null | undefined;

/** A number with so many decimals, with a true minus sign. */
export function fixed(value: Maybe, decimals: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const text = value.toFixed(decimals);
  return text.startsWith("-") ? `\u2212${text.slice(1)}` : text;
}

/** `15.470 ± 0.012`; a limit is `> 19.2`. */
export function magnitude(mag: Maybe, error: Maybe, isLimit: boolean, decimals = 3): string {
  if (mag === null || mag === undefined) return NONE;
  if (isLimit) return `> ${fixed(mag, Math.min(decimals, 2))}`;
  if (error === null || error === undefined) return fixed(mag, decimals);
  return `${fixed(mag, decimals)} ± ${fixed(error, decimals)}`;
}

/** Milliseconds of the Unix epoch of an MJD (UTC), to the nearest millisecond. */
export function unixOfMjd(mjd: number): number {
  return Math.round((mjd - MJD_OF_UNIX_EPOCH) * MS_PER_DAY);
}

/** The MJD (UTC) of milliseconds of the Unix epoch. */
export function mjdOfUnix(ms: number): number {
  return ms / MS_PER_DAY + MJD_OF_UNIX_EPOCH;
}

/** `2018-06-30 21:15` of an MJD, with seconds if wanted. */
export function dateOfMjd(mjd: Maybe, seconds = false): string {
  if (mjd === null || mjd === undefined || !Number.isFinite(mjd) || Math.abs(mjd) > 1e6) return NONE;
  return new Date(unixOfMjd(mjd))
    .toISOString()
    .slice(0, seconds ? 19 : 16)
    .replace("T", " ");
}

/** `2018-06-30 21:15` of an ISO 8601 date in UTC. */
export function dateOfIso(iso: string | null | undefined, length = 16): string {
  return iso ? iso.slice(0, length).replace("T", " ") : NONE;
}

function sexagesimal(total: number, decimals: number, width: number): string {
  const scale = 10 ** decimals;
  const units = Math.round(total * 3600 * scale);
  const seconds = (units % (60 * scale)) / scale;
  const minutes = Math.floor(units / (60 * scale)) % 60;
  const whole = Math.floor(units / (3600 * scale));
  const tail = seconds.toFixed(decimals).padStart(decimals > 0 ? decimals + 3 : 2, "0");
  return `${String(whole).padStart(width, "0")} ${String(minutes).padStart(2, "0")} ${tail}`;
}

/** Right ascension in degrees as `18 32 14.32` (hours). */
export function rightAscension(degrees: Maybe): string {
  if (degrees === null || degrees === undefined) return NONE;
  const hours = (((degrees % 360) + 360) % 360) / 15;
  return sexagesimal(hours, 2, 2).replace(/^24 /, "00 ");
}

/** Declination in degrees as `+05 21 07.2`. */
export function declination(degrees: Maybe): string {
  if (degrees === null || degrees === undefined) return NONE;
  return `${degrees < 0 ? "\u2212" : "+"}${sexagesimal(Math.abs(degrees), 1, 2)}`;
}

/** An angle given as decimal degrees or as three sexagesimal numbers; hours if `hours` and sexagesimal. Or null. */
export function parseAngle(given: string, hours: boolean): number | null {
  const text = given.trim().replace(/\u2212/g, "-");
  const parts = text.split(/[\s:hdms°'"′″]+/).filter(Boolean);
  if (parts.length === 1) return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(parts[0] ?? "") ? Number(parts[0]) : null;
  if (parts.length !== 3 || !parts.every((part, i) => /^\d+(\.\d*)?$/.test(i ? part : part.replace(/^[+-]/, "")))) {
    return null;
  }
  const [first, minutes, seconds] = parts.map((part) => Math.abs(Number(part))) as [number, number, number];
  if (minutes >= 60 || seconds >= 60) return null;
  const size = first + minutes / 60 + seconds / 3600;
  return (text.startsWith("-") ? -size : size) * (hours ? 15 : 1);
}

/** An instant given as MJD, or as an ISO date in UTC: its MJD, or null. */
export function parseMjd(given: string): number | null {
  const text = given.trim();
  if (/^\d+(\.\d*)?$/.test(text)) return Number(text);
  const date = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(:\d\d(\.\d+)?)?)Z?$/.exec(text);
  if (date === null) return null;
  const ms = Date.parse(`${date[1]}T${date[2]}Z`);
  return Number.isNaN(ms) ? null : mjdOfUnix(ms);
}

/** Say what is wrong with an MJD, or null: the mistakes observers make most. */
export function mjdTrouble(mjd: number, nowMs: number): string | null {
  if (mjd > JD_MINUS_MJD) return `This is a Julian Date. The MJD would be ${(mjd - JD_MINUS_MJD).toFixed(5)}.`;
  if (mjd < 47892) return "This is before 1990 (MJD 47892).";
  if (mjd > mjdOfUnix(nowMs)) return "This is in the future.";
  return null;
}

/** `1.4 MB`. */
export function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  if (size < 999_500) return `${(size / 1000).toFixed(size < 10_000 ? 1 : 0)} kB`;
  return `${(size / 1_000_000).toFixed(1)} MB`;
}

/** `3 points`, `1 point`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString("en-GB")} ${n === 1 ? one : many}`;
}
