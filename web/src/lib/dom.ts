/**
 * Elements built from calls, never from strings of HTML: what comes from outside only ever becomes text.
 * Addresses pass through {@link safeAddress}; style attributes are refused (the content security policy would too).
 */
import { safeAddress } from "./address.ts";

export type Child = Node | string | number | null | undefined | false;
export type Attribute = string | number | boolean | null | undefined | ((event: Event) => void);

const SVG = "http://www.w3.org/2000/svg";

function apply(element: Element, attributes: Record<string, Attribute>): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") {
      element.addEventListener(name.replace(/^on/, ""), value);
    } else if (name === "style") {
      throw new Error("style attributes are not used here");
    } else if (name === "href" || name === "src") {
      const address = safeAddress(String(value));
      if (address !== null) element.setAttribute(name, address);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
}

function addAll(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/** Make an element: `h("a", { href: "/" }, "Alerts")`. Functions among the attributes become listeners. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, Attribute> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  apply(element, attributes);
  addAll(element, children);
  return element;
}

/** Make an SVG element. */
export function svg(tag: string, attributes: Record<string, Attribute> = {}, ...children: Child[]): SVGElement {
  const element = document.createElementNS(SVG, tag) as SVGElement;
  apply(element, attributes);
  addAll(element, children);
  return element;
}

/** The element of that id; a page without it is a mistake of ours. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element #${id}`);
  return found as T;
}

/** Replace what an element holds. */
export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren();
  addAll(element, children);
}
