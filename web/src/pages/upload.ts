/** Uploading catalogues: chosen, timed, sent, calibrated, each with its result. */
import "../css/forms.css";
import "../css/upload.css";
import "../lib/shell.ts";
import { byId, fill, h } from "../lib/dom.ts";
import { signInPage, whoAmI } from "../lib/session.ts";
import { empty } from "../lib/states.ts";
import { UploadDesk } from "../upload/desk.ts";
import { CommonForm } from "../upload/form.ts";
import { Picker } from "../upload/pick.ts";

function start(root: HTMLElement): void {
  const common = new CommonForm(new URLSearchParams(location.search).get("event") ?? "");
  const button = h("button", { type: "submit", disabled: true }, "Send");
  const picker = new Picker((n) => {
    button.disabled = n === 0;
    button.textContent = n > 1 ? `Send ${n} files` : "Send";
  });
  const desk = new UploadDesk();
  const submit = (event: Event): void => {
    event.preventDefault();
    const shared = common.read();
    const timed = shared && picker.take();
    if (shared && timed) desk.send(timed, shared);
  };
  addEventListener("beforeunload", (event) => {
    if (desk.isSending) event.preventDefault();
  });
  const send = h("p", { class: "send" }, button);
  fill(root, h("form", { onsubmit: submit, novalidate: true }, common.element, picker.element, send), desk.element);
}

const root = byId("upload");
if ((await whoAmI()) === null) {
  fill(root, empty("Uploading needs the key of an observatory. ", h("a", { href: signInPage() }, "Sign in")));
} else {
  start(root);
}
