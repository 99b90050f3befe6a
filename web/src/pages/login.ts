/** Signing in with a key, and out. */
import "../css/forms.css";
import "../lib/shell.ts";
import { localPath } from "../lib/address.ts";
import { asProblem } from "../lib/api.ts";
import { byId, fill, h } from "../lib/dom.ts";
import { field } from "../lib/form.ts";
import { signIn, whoAmI } from "../lib/session.ts";
import { problemBox } from "../lib/states.ts";

const root = byId("signin");
const next = localPath(new URLSearchParams(location.search).get("next"), "/upload.html");

function form(): HTMLElement {
  const key = field(
    "key",
    "Key",
    h("input", {
      type: "password",
      name: "key",
      autocomplete: "current-password",
      required: true,
      spellcheck: "false",
    }),
    "Your cpcs_… key, or the hashtag you had at the first CPCS.",
  );
  const trouble = h("div", { "aria-live": "polite" });
  const button = h("button", { type: "submit" }, "Sign in");
  const submit = (event: Event): void => {
    event.preventDefault();
    button.disabled = true;
    fill(trouble);
    signIn(key.input.value.trim()).then(
      () => location.assign(next),
      (error: unknown) => {
        button.disabled = false;
        fill(trouble, problemBox(asProblem(error)));
        key.input.focus();
      },
    );
  };
  return h("form", { onsubmit: submit }, key.element, h("p", {}, button), trouble);
}

const me = await whoAmI();
if (me === null) {
  fill(
    root,
    h("p", {}, "A key belongs to an observatory. Everything may be read without one; uploading needs it."),
    form(),
  );
  byId("key").focus();
} else {
  const where = me.observatory ? `for ${me.observatory.name}` : "without an observatory";
  fill(
    root,
    h("p", {}, `You are signed in ${where} (${me.role}, key ${me.key_id}).`),
    h("p", {}, h("a", { href: next }, "Go on")),
  );
}
