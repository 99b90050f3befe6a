/** Talking to the server: every answer is data or a {@link Problem}. */

export type Query = Record<string, string | number | boolean | null | undefined>;

/** What went wrong, in the server's words: a stable code, a sentence, and what to do about it. */
export class Problem extends Error {
  readonly code: string;
  readonly hint: string;
  readonly status: number;
  readonly requestId: string;

  constructor(code: string, message: string, hint: string, status = 0, requestId = "") {
    super(message);
    this.name = "Problem";
    this.code = code;
    this.hint = hint;
    this.status = status;
    this.requestId = requestId;
  }

  /** Whether the server, not the question, was at fault: then a copy may serve, or another try. */
  get isOutage(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

const TIMEOUT_MS = 20_000;

/** The problem that an answer which is no success tells of. */
export function problemOf(status: number, body: string): Problem {
  try {
    const told = JSON.parse(body) as Record<string, unknown>;
    if (typeof told["code"] === "string" && typeof told["message"] === "string") {
      const id = typeof told["request_id"] === "string" ? told["request_id"] : "";
      return new Problem(told["code"], told["message"], String(told["hint"] ?? ""), status, id);
    }
  } catch {
    // Not JSON: a gateway answered for the server; its status is all there is to tell.
  }
  return new Problem(
    `HTTP_${status}`,
    `The server answered with status ${status}.`,
    status >= 500 ? "Try again in a minute." : "Reload the page; tell the operators if it stays so.",
    status,
  );
}

function unreachable(error: unknown): Problem {
  const late = error instanceof DOMException && error.name === "TimeoutError";
  return new Problem(
    late ? "NO_ANSWER" : "UNREACHABLE",
    late ? "The server did not answer in time." : "The server cannot be reached.",
    "Check the connection and try again; nothing was lost.",
  );
}

/** Make `path?a=1&b=2`, without what is empty. */
export function withQuery(path: string, query: Query): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
  return text ? `${path}?${text}` : path;
}

/** Ask for JSON. Throws {@link Problem}. */
export async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(path, {
      method,
      credentials: "same-origin",
      headers: body === undefined ? { accept: "application/json" } : { "content-type": "application/json" },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    text = await answer.text();
  } catch (error) {
    throw unreachable(error);
  }
  if (!answer.ok) throw problemOf(answer.status, text);
  if (text === "") return undefined as T;
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new Problem("NOT_JSON", "The server's answer cannot be read.", "Reload the page.", answer.status);
  }
}

/** GET as JSON. */
export function get<T>(path: string, query: Query = {}): Promise<T> {
  return ask<T>("GET", withQuery(path, query));
}

/** An answer, and whether it is a published copy because the server itself does not answer. */
export interface Served<T> {
  readonly data: T;
  readonly isCopy: boolean;
}

/** GET from the server, or, in an outage, the copy that is published beside the site. Throws {@link Problem}. */
export async function getOrCopy<T>(path: string, query: Query, copy: string | null): Promise<Served<T>> {
  try {
    return { data: await get<T>(path, query), isCopy: false };
  } catch (problem) {
    if (!(problem instanceof Problem) || !problem.isOutage || copy === null) throw problem;
    try {
      return { data: await get<T>(copy), isCopy: true };
    } catch {
      throw problem;
    }
  }
}

/** Whatever was thrown, as a problem that can be shown. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const what = error instanceof Error ? error.message : String(error);
  return new Problem(
    "SITE_ERROR",
    `This page made a mistake: ${what}.`,
    "Reload it; tell the operators if it stays so.",
  );
}
