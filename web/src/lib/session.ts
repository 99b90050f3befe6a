/** Who is signed in. The key itself is never kept here: the server sets a cookie that scripts cannot read. */
import { ask, get, Problem } from "./api.ts";
import type { Me } from "./records.ts";

const MARK = "cpcs-signed-in"; // only that there was a session: spares strangers a question on every page

function mark(): string | null {
  try {
    return localStorage.getItem(MARK);
  } catch {
    return "1"; // no storage: then ask
  }
}

function setMark(signedIn: boolean): void {
  try {
    if (signedIn) localStorage.setItem(MARK, "1");
    else localStorage.removeItem(MARK);
  } catch {
    // No storage: the server is asked each time.
  }
}

let known: Promise<Me | null> | null = null;

async function fetchMe(): Promise<Me | null> {
  if (mark() === null) return null;
  try {
    return await get<Me>("/api/me");
  } catch (error) {
    if (error instanceof Problem && (error.status === 401 || error.status === 403)) setMark(false);
    return null;
  }
}

/** Who is signed in, or null. Asked once a page. */
export function whoAmI(): Promise<Me | null> {
  known ??= fetchMe();
  return known;
}

/** Sign in with a key. Throws Problem. */
export async function signIn(key: string): Promise<Me> {
  const me = await ask<Me>("POST", "/api/session", { key });
  setMark(true);
  known = Promise.resolve(me);
  return me;
}

/** End the session. */
export async function signOut(): Promise<void> {
  await ask("DELETE", "/api/session");
  setMark(false);
  known = Promise.resolve(null);
}

/** Whether this person may take back a point of that observatory. */
export function mayDelete(me: Me | null, observatoryId: number | null): boolean {
  if (me === null) return false;
  return me.role === "admin" || (observatoryId !== null && me.observatory?.observatory_id === observatoryId);
}

/** Where to sign in and come back from. */
export function signInPage(): string {
  return `/login.html?next=${encodeURIComponent(location.pathname + location.search)}`;
}
