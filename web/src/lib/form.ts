/** Parts of forms: a labelled field with a line of help that can also say what is wrong. */
import { h } from "./dom.ts";

export interface Field<T extends HTMLElement = HTMLInputElement> {
  readonly element: HTMLElement;
  readonly input: T;
  /** Say something beneath the field; with `bad`, that it is wrong. */
  readonly say: (text: string, bad?: boolean) => void;
}

/** A control with its label above and a line beneath. */
export function field<T extends HTMLElement>(id: string, label: string, input: T, help = ""): Field<T> {
  const line = h("span", { id: `${id}-help`, class: "help" }, help);
  input.id = id;
  input.setAttribute("aria-describedby", line.id);
  const say = (text: string, bad = false): void => {
    line.textContent = text || help;
    line.classList.toggle("bad", bad);
    if (bad) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  return { element: h("div", { class: "field" }, h("label", { for: id }, label), input, line), input, say };
}
