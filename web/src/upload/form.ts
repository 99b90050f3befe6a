/** The form above the files: what is common to them, and the time of each. */
import { asProblem, get } from "../lib/api.ts";
import { h } from "../lib/dom.ts";
import { type Field, field } from "../lib/form.ts";
import { dateOfMjd, mjdTrouble, parseMjd } from "../lib/format.ts";

export interface Common {
  readonly event: string;
  readonly matching_radius_arcsec: number;
  readonly filter: string;
  readonly dry_run: boolean;
}

export interface Catalogues {
  readonly items?: readonly { readonly name: string; readonly filters: readonly string[] }[];
}

/** Say beneath a field what its MJD means, or what is wrong; the MJD if it can be used. */
export function checkMjd(time: Field): number | null {
  if (time.input.value.trim() === "") {
    time.say("");
    return null;
  }
  const mjd = parseMjd(time.input.value);
  const trouble = mjd === null ? "Give an MJD, or a date as 2018-06-30 03:00:00." : mjdTrouble(mjd, Date.now());
  if (mjd === null || trouble !== null) {
    time.say(trouble ?? "", true);
    return null;
  }
  time.say(`MJD ${mjd.toFixed(5)} = ${dateOfMjd(mjd, true)} UTC`);
  return mjd;
}

function option(value: string, label: string): HTMLOptionElement {
  return h("option", { value }, label);
}

async function fillFilters(select: Field<HTMLSelectElement>): Promise<void> {
  try {
    const { items = [] } = await get<Catalogues>("/api/catalogues");
    const all = [...new Set(items.flatMap((each) => each.filters))].sort();
    const anyGroup = h(
      "optgroup",
      { label: "Any catalogue" },
      ...all.map((band) => option(`any/${band}`, `any/${band}`)),
    );
    const groups = items.map((each) =>
      h(
        "optgroup",
        { label: each.name },
        ...each.filters.map((band) => option(`${each.name}/${band}`, `${each.name}/${band}`)),
        option(`${each.name}/any`, `${each.name}/any`),
      ),
    );
    select.input.append(...groups, anyGroup);
  } catch (error) {
    select.say(`Only the automatic choice: ${asProblem(error).message}`, true);
  }
}

/** The fields that hold for all files. `read` is null where something is wrong; it says so beneath the field. */
export class CommonForm {
  readonly element: HTMLElement;
  readonly #event = field(
    "event",
    "Event",
    h("input", { name: "event", required: true, autocomplete: "off", spellcheck: "false", placeholder: "Gaia18bmt" }),
    "Its name in the list of alerts.",
  );
  readonly #radius = field(
    "radius",
    "Matching radius, arcsec",
    h("input", {
      name: "radius",
      type: "number",
      value: "2",
      min: "0.1",
      max: "60",
      step: "0.1",
      inputmode: "decimal",
    }),
    "How far from its position the event may lie.",
  );
  readonly #filter = field(
    "filter",
    "Forced filter",
    h("select", { name: "filter" }, option("no", "No (automatic determination)")),
    "The catalogue and filter to calibrate to.",
  );
  readonly #dry = h("input", { type: "checkbox", name: "dry" });

  constructor(event: string) {
    this.#event.input.value = event;
    this.element = h(
      "div",
      {},
      h("div", { class: "grid" }, this.#event.element, this.#radius.element, this.#filter.element),
      h("label", { class: "check" }, this.#dry, "Dry run: calibrate and show, store nothing"),
    );
    void fillFilters(this.#filter);
  }

  read(): Common | null {
    const event = this.#event.input.value.trim();
    const radius = Number(this.#radius.input.value);
    this.#event.say(event ? "" : "Which event is it?", !event);
    const good = radius > 0 && radius <= 60;
    this.#radius.say(good ? "" : "Give a radius between 0 and 60 arcsec.", !good);
    if (!event) this.#event.input.focus();
    else if (!good) this.#radius.input.focus();
    if (!event || !good) return null;
    const filter = this.#filter.input.value;
    return { event, matching_radius_arcsec: radius, filter, dry_run: this.#dry.checked };
  }
}
