/** What stands on a page while data are not there: loading, nothing, a problem, an old copy. */
import type { Problem } from "./api.ts";
import { h } from "./dom.ts";
import { dateOfIso } from "./format.ts";
import { signInPage } from "./session.ts";

/** A line that says what is being fetched. */
export function loading(what: string): HTMLElement {
  return h("p", { class: "state", role: "status" }, `Loading ${what} …`);
}

/** A line that says that there is nothing, and what to do about it. */
export function empty(...said: (string | Node)[]): HTMLElement {
  return h("p", { class: "state", role: "status" }, ...said);
}

/** A problem with its code, sentence and hint, and a button to try again if there is a way. */
export function problemBox(problem: Problem, again?: () => void): HTMLElement {
  const id = problem.requestId ? ` · request ${problem.requestId}` : "";
  return h(
    "div",
    { class: "problem", role: "alert" },
    h("p", { class: "what" }, problem.message),
    problem.hint ? h("p", {}, problem.hint) : null,
    h("p", { class: "code mono" }, `${problem.code}${id}`),
    problem.status === 401 && location.pathname !== "/login.html"
      ? h("p", {}, h("a", { href: signInPage() }, "Sign in"))
      : null,
    again ? h("button", { type: "button", class: "quiet", onclick: again }, "Try again") : null,
  );
}

/** A notice that what is shown is the published copy. */
export function copyNotice(generatedAt: string | undefined): HTMLElement {
  const when = generatedAt ? `of ${dateOfIso(generatedAt)} UTC` : "made when it last did";
  return h("p", { class: "notice", role: "status" }, `The server does not answer; this is the copy ${when}.`);
}
