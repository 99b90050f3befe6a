/** Uploading catalogues: chosen, timed, sent, calibrated, each with its result. */
import "../css/forms.css";
import "../css/upload.css";
import "../lib/shell.ts";
import { ask, get } from "../lib/api.ts";
import { byId, fill, h } from "../lib/dom.ts";
import { count } from "../lib/format.ts";
import type { Created, Job, Page } from "../lib/records.ts";
import { signInPage, whoAmI } from "../lib/session.ts";
import { empty, problemBox } from "../lib/states.ts";
import { type Common, CommonForm } from "../upload/form.ts";
import { Picker } from "../upload/pick.ts";
import { Poller } from "../upload/poller.ts";
import { type Item, UploadQueue } from "../upload/queue.ts";
import { sendFile } from "../upload/send.ts";
import { FileView, type Observation } from "../upload/view.ts";
import { wait } from "../upload/wait.ts";

interface Order extends Observation {
  readonly common: Common;
}

function announce(order: Order): Promise<Created> {
  const { file, mjd, exposure_s, common } = order;
  const exposure = exposure_s === null ? {} : { exposure_s };
  return ask<Created>("POST", "/api/uploads", { ...common, mjd, ...exposure, filename: file.name, size: file.size });
}

function start(root: HTMLElement): void {
  const common = new CommonForm(new URLSearchParams(location.search).get("event") ?? "");
  const button = h("button", { type: "submit", disabled: true }, "Send");
  const picker = new Picker((n) => {
    button.disabled = n === 0;
    button.textContent = n > 1 ? `Send ${n} files` : "Send";
  });
  const views = new Map<Order, FileView>();
  const byJob = new Map<string, FileView>();
  const list = h("ul", { class: "files", "aria-label": "Files sent" });
  const summary = h("p", { class: "soft", role: "status" });
  const trouble = h("div", { "aria-live": "polite" });
  let ended = 0;

  const tally = (): void => {
    summary.textContent = views.size ? `${count(views.size, "file")}, ${ended} finished` : "";
  };
  const end = (): void => {
    ended += 1;
    tally();
  };
  const poller = new Poller({
    fetchJobs: async (ids) => (await get<Page<Job>>("/api/uploads", { ids: ids.join(",") })).items,
    wait,
    onJob: (job) => {
      byJob.get(job.job_id)?.tell(job);
      if (["DONE", "REJECTED", "FAILED", "DELETED"].includes(job.state)) end();
    },
    onTrouble: (problem) => fill(trouble, problem && problemBox(problem)),
    onLost: (id) => {
      byJob.get(id)?.lose(id);
      end();
    },
  });
  const follow = (item: Item<Order>): void => {
    const view = views.get(item.file);
    view?.follow(item);
    if (item.step === "refused") end();
    if (item.step !== "sent" || view === undefined || item.jobId === null) return;
    byJob.set(item.jobId, view);
    poller.add(item.jobId);
  };
  const queue = new UploadQueue<Order>({ announce, send: (order, made, told) => sendFile(order.file, made, told), wait, onChange: follow });

  const submit = (event: Event): void => {
    event.preventDefault();
    const shared = common.read();
    const timed = shared && picker.take();
    if (!shared || !timed) return;
    const orders = timed.map((each): Order => ({ ...each, event: shared.event, dryRun: shared.dry_run, common: shared }));
    for (const order of orders) {
      const view = new FileView(order);
      views.set(order, view);
      list.prepend(view.element);
    }
    tally();
    queue.add(orders);
  };
  addEventListener("beforeunload", (event) => {
    if (queue.isBusy) event.preventDefault();
  });
  fill(root, h("form", { onsubmit: submit, novalidate: true }, common.element, picker.element, h("p", { class: "send" }, button)), trouble, summary, list);
}

const root = byId("upload");
if ((await whoAmI()) === null) {
  fill(root, empty("Uploading needs the key of an observatory. ", h("a", { href: signInPage() }, "Sign in")));
} else {
  start(root);
}
