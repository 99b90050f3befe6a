/** Taking a follow-up point back: asked first, in a dialog, because it cannot be undone here. */
import { ask, asProblem } from "./api.ts";
import { fill, h } from "./dom.ts";
import { problemBox } from "./states.ts";

/** A button that deletes the point after a question; `done` is called when it is gone. */
export function deleteButton(followupId: number, what: string, done: () => void): HTMLElement {
  const open = (): void => confirmDelete(followupId, what, done);
  const label = `Delete point ${followupId}`;
  return h("button", { type: "button", class: "quiet danger", "aria-label": label, onclick: open }, "Delete");
}

function confirmDelete(followupId: number, what: string, done: () => void): void {
  const trouble = h("div");
  const close = (): void => dialog.close();
  const remove = (): void => {
    button.disabled = true;
    ask("DELETE", `/api/followups/${followupId}`).then(
      () => {
        dialog.close();
        done();
      },
      (error: unknown) => {
        button.disabled = false;
        fill(trouble, problemBox(asProblem(error)));
      },
    );
  };
  const button = h("button", { type: "button", onclick: remove }, "Delete it");
  const dialog = h(
    "dialog",
    { "aria-labelledby": "delete-what" },
    h("p", { id: "delete-what" }, `Delete point ${followupId} (${what})? It leaves the light curve for good.`),
    trouble,
    h("div", { class: "row" }, button, h("button", { type: "button", class: "quiet", onclick: close }, "Keep it")),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
