/** A list that the server pages by cursors: loads, turns pages, says what is wrong, falls back to the copy. */
import { asProblem, getOrCopy, type Query } from "./api.ts";
import { fill, h } from "./dom.ts";
import type { Page } from "./records.ts";
import { copyNotice, loading, problemBox } from "./states.ts";
import { type Column, pagerButton, plainTable } from "./table.ts";

export interface ListSettings<T> {
  readonly root: HTMLElement;
  readonly what: string;
  readonly caption: string;
  readonly columns: readonly Column<T>[];
  readonly path: string;
  /** The published copy of the first page, for an outage. */
  readonly copy: (query: Query) => string | null;
  /** Which of a copy's rows are meant, as the server would have chosen. */
  readonly keeps?: (row: T, query: Query) => boolean;
  readonly nothing: (query: Query) => HTMLElement;
}

/** The list; `show` begins at the first page of another question. */
export class CursorList<T> {
  readonly #settings: ListSettings<T>;
  readonly #cursors: (string | null)[] = [null]; // of the pages up to the one shown
  #query: Query = {};
  #asked = 0;

  constructor(settings: ListSettings<T>) {
    this.#settings = settings;
  }

  /** Ask this question, and show the first page of the answer. */
  async show(query: Query): Promise<void> {
    this.#query = query;
    this.#cursors.length = 0;
    this.#cursors.push(null);
    await this.#load();
  }

  /** Load the page again, as after a change. */
  async reload(): Promise<void> {
    await this.#load();
  }

  async #load(): Promise<void> {
    const { root, what, path, copy } = this.#settings;
    const asked = ++this.#asked;
    const cursor = this.#cursors.at(-1) ?? null;
    if (root.childElementCount === 0) fill(root, loading(what));
    root.setAttribute("aria-busy", "true");
    try {
      const where = cursor === null ? copy(this.#query) : null;
      const served = await getOrCopy<Page<T>>(path, { ...this.#query, cursor }, where);
      if (asked !== this.#asked) return;
      const { items, cursor: next } = served.data;
      if (items.length > 0 || next === null || served.isCopy) return this.#draw(served.data, served.isCopy);
      // A search through many rows that has found nothing so far: it goes on.
      this.#cursors[this.#cursors.length - 1] = next;
      void this.#load();
    } catch (error) {
      if (asked === this.#asked)
        fill(
          root,
          problemBox(asProblem(error), () => void this.#load()),
        );
    } finally {
      if (asked === this.#asked) root.removeAttribute("aria-busy");
    }
  }

  #draw(page: Page<T>, isCopy: boolean): void {
    const { root, columns, caption, nothing, keeps } = this.#settings;
    const rows = isCopy && keeps ? page.items.filter((row) => keeps(row, this.#query)) : page.items;
    fill(
      root,
      isCopy && copyNotice(page.generated_at),
      rows.length > 0 ? plainTable(caption, columns, rows) : nothing(this.#query),
      this.#pager(isCopy ? null : page.cursor),
    );
  }

  #pager(next: string | null): HTMLElement | null {
    const shown = this.#cursors.length;
    if (shown === 1 && next === null) return null;
    const turn = (change: () => void): void => {
      change();
      void this.#load().then(() => this.#settings.root.scrollIntoView({ block: "start" }));
    };
    return h(
      "nav",
      { class: "pager", "aria-label": "Pages" },
      pagerButton("Newer", shown > 1, () => turn(() => this.#cursors.pop())),
      h("span", { role: "status" }, `Page ${shown}`),
      pagerButton("Older", next !== null, () => turn(() => this.#cursors.push(next))),
    );
  }
}
