/** What every page has: the colours' button and who is signed in. Importing it is enough. */
import { asProblem } from "./api.ts";
import { byId, fill, h } from "./dom.ts";
import { signInPage, signOut, whoAmI } from "./session.ts";

type Theme = "auto" | "light" | "dark";
const NEXT: Record<Theme, Theme> = { auto: "light", light: "dark", dark: "auto" };
const NAMES: Record<Theme, string> = { auto: "Auto", light: "Light", dark: "Dark" };

function current(): Theme {
  const set = document.documentElement.dataset["theme"];
  return set === "light" || set === "dark" ? set : "auto";
}

function choose(theme: Theme): void {
  if (theme === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
  try {
    localStorage.setItem("cpcs-theme", theme);
  } catch {
    // No storage: the choice holds for this page.
  }
  dispatchEvent(new Event("cpcs:theme"));
}

function themeButton(): void {
  const button = byId("theme");
  const say = (): void => {
    button.textContent = NAMES[current()];
    button.setAttribute("aria-label", `Colours: ${NAMES[current()]}`);
  };
  button.addEventListener("click", () => {
    choose(NEXT[current()]);
    say();
  });
  say();
}

async function corner(): Promise<void> {
  const who = byId("who");
  const me = await whoAmI();
  if (me === null) {
    if (location.pathname !== "/login.html") fill(who, h("a", { href: signInPage() }, "Sign in"));
    return;
  }
  const leave = (): void => {
    signOut().then(
      () => location.reload(),
      (error: unknown) => fill(who, h("span", { class: "bad", role: "alert" }, asProblem(error).message)),
    );
  };
  const name = me.observatory?.name ?? me.role;
  fill(
    who,
    h("span", { class: "soft" }, name),
    h("button", { type: "button", class: "quiet", onclick: leave }, "Sign out"),
  );
}

themeButton();
void corner();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("cpcs:theme")));
