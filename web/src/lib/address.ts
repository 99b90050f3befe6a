/** Addresses: which may be shown, and how names of events become parts of them. */

const ABSOLUTE = /^https?:\/\//i;

/**
 * The address if it may be put on a page: http, https, a path of this server, or a fragment. Otherwise null.
 * `//host` is refused: it looks like a path and is not one.
 */
export function safeAddress(given: string): string | null {
  const text = given.trim();
  if (/[\u0000-\u001f\\]/.test(text)) return null;
  if (text.startsWith("#")) return text;
  if (text.startsWith("/")) return text.startsWith("//") ? null : text;
  if (!ABSOLUTE.test(text)) return null;
  try {
    const url = new URL(text);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}

/** A path of this very server, or the fallback: for where to go after signing in. */
export function localPath(given: string | null, fallback: string): string {
  return given !== null && given.startsWith("/") && safeAddress(given) !== null ? given : fallback;
}

/** One path segment, encoded as the server's object keys are (everything but letters, digits and `_.-~`). */
export function pathSafe(name: string): string {
  return encodeURIComponent(name).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** A name that may hold `/`, as the tail of an API path: slashes stay, all else is encoded. */
export function pathTail(name: string): string {
  return name.split("/").map(pathSafe).join("/");
}

const DESIGNATION = /^[A-Za-z][A-Za-z0-9 ._+-]*\d[A-Za-z0-9 ._+-]*$/;

/** The key under which the server keeps an event: the same for `Gaia18bmt`, `ivo://Gaia18bmt` and a full IVORN. */
export function eventKey(given: string): string {
  let name = given.normalize("NFC").split(/\s+/).filter(Boolean).join(" ");
  if (name.toLowerCase().startsWith("ivo://")) name = name.slice(6).trim();
  const hash = name.lastIndexOf("#");
  const fragment = hash >= 0 ? name.slice(hash + 1).trim() : "";
  return (DESIGNATION.test(fragment) ? fragment : name).toLowerCase();
}

/** Where the static copy of a light curve lies. The object key is itself percent-encoded: hence twice. */
export function lightCurveCopy(name: string): string {
  return `/data/lightcurves/${encodeURIComponent(pathSafe(eventKey(name)))}.json`;
}

/** The page of an event. */
export function eventPage(name: string): string {
  return `/event.html?name=${encodeURIComponent(name)}`;
}

/** The page of a calibration's report. */
export function reportPage(job: string): string {
  return `/report.html?job=${encodeURIComponent(job)}`;
}
