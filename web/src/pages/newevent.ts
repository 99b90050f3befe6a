/** Adding an event to the list. */
import "../css/forms.css";
import "../lib/shell.ts";
import { eventPage, safeAddress } from "../lib/address.ts";
import { ask, asProblem } from "../lib/api.ts";
import { byId, fill, h } from "../lib/dom.ts";
import { field } from "../lib/form.ts";
import { declination, parseAngle, rightAscension } from "../lib/format.ts";
import type { SkyEvent } from "../lib/records.ts";
import { signInPage, whoAmI } from "../lib/session.ts";
import { empty, problemBox } from "../lib/states.ts";

function text(name: string, required: boolean): HTMLInputElement {
  return h("input", { name, type: "text", required, autocomplete: "off", spellcheck: "false" });
}

function form(): HTMLElement {
  const name = field("name", "Name", text("name", true), "As published, for instance Gaia18bmt or AT 2018abc.");
  const ra = field("ra", "Right ascension", text("ra", true), "Degrees, or hours as 18 32 14.32.");
  const dec = field("dec", "Declination", text("dec", true), "Degrees, or as +05 21 07.2.");
  const url = field("url", "Web page (optional)", h("input", { type: "url", name: "url", autocomplete: "off" }));
  const comment = field("comment", "Comment (optional)", text("comment", false));
  const trouble = h("div", { "aria-live": "polite" });
  const button = h("button", { type: "submit" }, "Add the event");

  const position = (): { ra_deg: number; dec_deg: number } | null => {
    const a = parseAngle(ra.input.value, true);
    const d = parseAngle(dec.input.value, false);
    const goodRa = a !== null && a >= 0 && a < 360;
    const goodDec = d !== null && Math.abs(d) <= 90;
    if (ra.input.value)
      ra.say(goodRa ? `${a.toFixed(5)}° = ${rightAscension(a)}` : "Not a right ascension (0 to 360 degrees).", !goodRa);
    if (dec.input.value)
      dec.say(goodDec ? `${d.toFixed(5)}° = ${declination(d)}` : "Not a declination (−90 to +90 degrees).", !goodDec);
    return goodRa && goodDec ? { ra_deg: a, dec_deg: d } : null;
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    const place = position();
    if (place === null) return (ra.input.getAttribute("aria-invalid") ? ra : dec).input.focus();
    const address = url.input.value.trim();
    if (address && safeAddress(address) === null) return url.say("Only http and https addresses are taken.", true);
    button.disabled = true;
    fill(trouble);
    const body = { name: name.input.value.trim(), ...place, url: address, comment: comment.input.value.trim() };
    ask<SkyEvent>("POST", "/api/events", body).then(
      (made) => location.assign(eventPage(made.name)),
      (error: unknown) => {
        button.disabled = false;
        fill(trouble, problemBox(asProblem(error)));
      },
    );
  };
  const given = new URLSearchParams(location.search).get("name");
  if (given !== null) name.input.value = given;
  return h(
    "form",
    { onsubmit: submit, onchange: () => void position() },
    name.element,
    ra.element,
    dec.element,
    url.element,
    comment.element,
    h("p", {}, button),
    trouble,
  );
}

const me = await whoAmI();
fill(
  byId("form"),
  me === null ? empty("Adding an event needs a key. ", h("a", { href: signInPage() }, "Sign in")) : form(),
);
