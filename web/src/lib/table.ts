/** Tables: one description of columns, for lists that the server pages and for rows that are all here. */
import { type Child, fill, h } from "./dom.ts";
import { count } from "./format.ts";

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => Child;
  /** Right-aligned, never broken: `n`; never broken: `w`. */
  readonly look?: "n" | "w";
  /** What the column is sorted by, where rows can be sorted. */
  readonly value?: (row: T) => number | string;
}

/** The body's rows. The first column heads its row; each cell knows its title, for narrow screens. */
export function rowsOf<T>(columns: readonly Column<T>[], rows: readonly T[]): HTMLTableRowElement[] {
  return rows.map((row) =>
    h(
      "tr",
      { role: "row" },
      ...columns.map((column, i) => {
        const shown = { class: column.look, "data-label": column.title };
        return i === 0
          ? h("th", { ...shown, scope: "row", role: "rowheader" }, column.cell(row))
          : h("td", { ...shown, role: "cell" }, column.cell(row));
      }),
    ),
  );
}

/** A table around heads and a body. Roles are spelled out because narrow screens lay its rows out as cards. */
export function frame(caption: string, heads: readonly HTMLElement[], body: HTMLElement): HTMLElement {
  const table = h(
    "table",
    { class: "cards", role: "table" },
    h("caption", {}, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...heads)),
    body,
  );
  return h("div", { class: "scroll" }, table);
}

function head<T>(column: Column<T>, ...children: Child[]): HTMLElement {
  return h("th", { scope: "col", role: "columnheader", class: column.look }, ...children);
}

/** A table of rows that do not change. */
export function plainTable<T>(caption: string, columns: readonly Column<T>[], rows: readonly T[]): HTMLElement {
  const body = h("tbody", { role: "rowgroup" }, ...rowsOf(columns, rows));
  return frame(
    caption,
    columns.map((column) => head(column, column.title)),
    body,
  );
}

/** A table of rows that are all here: sorted by a click on a head, shown a page at a time. */
export class LocalTable<T> {
  readonly element: HTMLElement;
  readonly #columns: readonly Column<T>[];
  readonly #body = h("tbody", { role: "rowgroup" });
  readonly #pager = h("div", { class: "pager" });
  readonly #what: string;
  readonly #perPage: number;
  #rows: readonly T[] = [];
  #page = 0;

  constructor(caption: string, what: string, columns: readonly Column<T>[], perPage = 50) {
    this.#columns = columns;
    this.#perPage = perPage;
    this.#what = what;
    this.element = h(
      "div",
      {},
      frame(
        caption,
        columns.map((column) => this.#sortable(column)),
        this.#body,
      ),
      this.#pager,
    );
  }

  /** Show these rows, in this order, from the first page. */
  set(rows: readonly T[]): void {
    this.#rows = rows;
    this.#page = 0;
    this.#draw();
  }

  #sortable(column: Column<T>): HTMLElement {
    const value = column.value;
    if (value === undefined) return head(column, column.title);
    const th = head(column);
    const sort = (): void => {
      const down = th.getAttribute("aria-sort") === "ascending";
      th.parentElement?.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      th.setAttribute("aria-sort", down ? "descending" : "ascending");
      this.set([...this.#rows].sort((a, b) => compare(value(a), value(b)) * (down ? -1 : 1)));
    };
    th.append(h("button", { type: "button", onclick: sort }, column.title));
    return th;
  }

  #draw(): void {
    const pages = Math.max(1, Math.ceil(this.#rows.length / this.#perPage));
    const start = this.#page * this.#perPage;
    fill(this.#body, ...rowsOf(this.#columns, this.#rows.slice(start, start + this.#perPage)));
    if (pages === 1) return fill(this.#pager);
    const turn = (by: number): void => {
      this.#page += by;
      this.#draw();
    };
    fill(
      this.#pager,
      pagerButton("Previous", this.#page > 0, () => turn(-1)),
      h("span", { role: "status" }, `Page ${this.#page + 1} of ${pages}, ${count(this.#rows.length, this.#what)}`),
      pagerButton("Next", this.#page < pages - 1, () => turn(1)),
    );
  }
}

/** A button that turns pages. */
export function pagerButton(label: string, enabled: boolean, turn: () => void): HTMLButtonElement {
  return h("button", { type: "button", class: "quiet", disabled: !enabled, onclick: turn }, label);
}

function compare(a: number | string, b: number | string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
