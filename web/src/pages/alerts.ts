/** The list of alerts: all or observed only, searched by name, newest first. */
import "../css/forms.css";
import "../lib/shell.ts";
import { eventPage } from "../lib/address.ts";
import type { Query } from "../lib/api.ts";
import { byId, h } from "../lib/dom.ts";
import { dateOfIso, declination, rightAscension } from "../lib/format.ts";
import { CursorList } from "../lib/list.ts";
import type { SkyEvent } from "../lib/records.ts";
import { empty } from "../lib/states.ts";

const TYPING_PAUSE_MS = 250;

const list = new CursorList<SkyEvent>({
  root: byId("list"),
  what: "alerts",
  caption: "Newest first; positions are ICRS",
  path: "/api/events",
  copy: (query) => (query["observed"] ? "/data/observed.json" : "/data/events.json"),
  keeps: (event, query) => event.name.toLowerCase().includes(String(query["q"] ?? "").toLowerCase()),
  nothing,
  columns: [
    { title: "Event", cell: (event) => h("a", { href: eventPage(event.name) }, event.name) },
    { title: "RA", look: "w", cell: (event) => rightAscension(event.ra_deg) },
    { title: "Dec", look: "w", cell: (event) => declination(event.dec_deg) },
    { title: "Published (UTC)", look: "w", cell: (event) => dateOfIso(event.published) },
    { title: "Follow-ups", look: "n", cell: (event) => event.n_followups },
  ],
});

function nothing(query: Query): HTMLElement {
  if (query["q"])
    return empty(
      `No event has “${String(query["q"])}” in its name. `,
      h("a", { href: "/newevent.html" }, "Add an event"),
    );
  if (query["observed"])
    return empty("No event has a follow-up point yet. ", h("a", { href: "/upload.html" }, "Upload the first"));
  return empty("There are no events yet. ", h("a", { href: "/newevent.html" }, "Add the first"));
}

const form = byId<HTMLFormElement>("search");
const box = byId<HTMLInputElement>("q");
const here = new URLSearchParams(location.search);
box.value = here.get("q") ?? "";
for (const radio of form.querySelectorAll<HTMLInputElement>("input[name=observed]")) {
  radio.checked = radio.value === (here.get("observed") === "1" ? "1" : "0");
}

function ask(): void {
  const observed = new FormData(form).get("observed") === "1" ? 1 : null;
  const q = box.value.trim() || null;
  const address = new URLSearchParams({ ...(observed ? { observed: "1" } : {}), ...(q ? { q } : {}) }).toString();
  history.replaceState(null, "", address ? `/?${address}` : "/");
  void list.show({ observed, q });
}

let pause: ReturnType<typeof setTimeout> | undefined;
form.addEventListener("input", (event) => {
  clearTimeout(pause);
  pause = setTimeout(ask, event.target === box ? TYPING_PAUSE_MS : 0);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(pause);
  ask();
});
ask();
