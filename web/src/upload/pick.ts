/** Files that were chosen and not yet sent: each with its time, guessed from its header where it has one. */
import { fill, h } from "../lib/dom.ts";
import { type Field, field } from "../lib/form.ts";
import { bytes } from "../lib/format.ts";
import { checkMjd } from "./form.ts";
import { guessTime } from "./header.ts";

const HEAD_BYTES = 120_000;

export interface Timed {
  readonly file: File;
  readonly mjd: number;
  readonly exposure_s: number | null;
}

let serial = 0;

/** A chosen file with fields for its time. */
class Picked {
  readonly element: HTMLElement;
  readonly #time: Field;
  readonly #exposure: Field;
  #touched = false;

  constructor(
    readonly file: File,
    remove: () => void,
  ) {
    const id = `file-${++serial}`;
    this.#time = field(
      `${id}-mjd`,
      "Middle of the exposure, MJD or UTC date",
      h("input", { required: true, autocomplete: "off", inputmode: "text", placeholder: "58299.12500" }),
    );
    this.#exposure = field(
      `${id}-exposure`,
      "Exposure, s",
      h("input", { type: "number", min: "0", step: "any", inputmode: "decimal" }),
    );
    this.#time.input.addEventListener("input", () => {
      this.#touched = true;
      checkMjd(this.#time);
    });
    const drop = h(
      "button",
      { type: "button", class: "quiet", "aria-label": `Leave out ${file.name}`, onclick: remove },
      "Leave out",
    );
    this.element = h(
      "li",
      {},
      h(
        "div",
        { class: "head" },
        h("span", { class: "name" }, file.name),
        h("span", { class: "row" }, h("span", { class: "soft" }, bytes(file.size)), drop),
      ),
      h("div", { class: "grid" }, this.#time.element, this.#exposure.element),
    );
    void this.#guess();
  }

  async #guess(): Promise<void> {
    const head = new Uint8Array(await this.file.slice(0, HEAD_BYTES).arrayBuffer());
    const guess = guessTime(new TextDecoder("latin1").decode(head));
    if (guess === null || this.#touched) return;
    this.#time.input.value = guess.mjd.toFixed(6);
    if (guess.exposure_s !== null) this.#exposure.input.value = String(guess.exposure_s);
    checkMjd(this.#time);
    this.#time.say(`From the header: ${guess.how}. Please check.`);
  }

  read(): Timed | null {
    const mjd = checkMjd(this.#time);
    if (mjd === null) {
      if (this.#time.input.value.trim() === "") this.#time.say("When was it taken?", true);
      this.#time.input.focus();
      return null;
    }
    const exposure = Number(this.#exposure.input.value);
    return { file: this.file, mjd, exposure_s: exposure > 0 ? exposure : null };
  }
}

/** The place where files are dropped or picked, and the list of those that were. */
export class Picker {
  readonly element: HTMLElement;
  readonly #list = h("ul", { class: "files", "aria-label": "Files to send" });
  readonly #onChange: (n: number) => void;
  #picked: Picked[] = [];

  constructor(onChange: (n: number) => void) {
    this.#onChange = onChange;
    const input = h("input", { type: "file", multiple: true, id: "files", class: "hidden" });
    input.addEventListener("change", () => {
      this.#add(input.files);
      input.value = "";
    });
    const choose = h("button", { type: "button", class: "quiet", onclick: () => input.click() }, "Choose files");
    const zone = h(
      "div",
      { class: "drop" },
      h("label", { for: "files", class: "hidden" }, "Catalogues or images"),
      h("p", {}, "Drop catalogues or images here"),
      h("p", { class: "soft" }, "SExtractor, FITS table, FITS_LDAC, CSV, or RA Dec Mag MagErr; up to 20 MB each"),
      input,
      choose,
    );
    this.#acceptDrops(zone);
    this.element = h("div", {}, zone, this.#list);
  }

  #acceptDrops(zone: HTMLElement): void {
    for (const kind of ["dragenter", "dragover", "dragleave", "drop"] as const) {
      zone.addEventListener(kind, (event) => {
        event.preventDefault();
        zone.classList.toggle("over", kind === "dragenter" || kind === "dragover");
        if (kind === "drop") this.#add(event.dataTransfer?.files ?? null);
      });
    }
  }

  #add(files: FileList | null): void {
    for (const file of files ?? []) {
      const picked = new Picked(file, () => this.#remove(picked));
      this.#picked.push(picked);
      this.#list.append(picked.element);
    }
    this.#onChange(this.#picked.length);
  }

  #remove(picked: Picked): void {
    this.#picked = this.#picked.filter((each) => each !== picked);
    picked.element.remove();
    this.#onChange(this.#picked.length);
  }

  /** All files with their times, or null where one is missing: then nothing is taken out of the list. */
  take(): Timed[] | null {
    const timed: Timed[] = [];
    for (const picked of this.#picked) {
      const read = picked.read();
      if (read === null) return null;
      timed.push(read);
    }
    this.#picked = [];
    fill(this.#list);
    this.#onChange(0);
    return timed;
  }
}
