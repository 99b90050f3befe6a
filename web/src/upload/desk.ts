/** The files that were sent: each on its way by the queue, then watched by the poller, each with its view. */
import { ask, get, type Problem } from "../lib/api.ts";
import { fill, h } from "../lib/dom.ts";
import { count } from "../lib/format.ts";
import { type Created, isTerminal, type Job, type Page } from "../lib/records.ts";
import { problemBox } from "../lib/states.ts";
import type { Common } from "./form.ts";
import type { Timed } from "./pick.ts";
import { Poller } from "./poller.ts";
import { type Item, UploadQueue } from "./queue.ts";
import { sendFile } from "./send.ts";
import { FileView, type Observation } from "./view.ts";
import { wait } from "./wait.ts";

interface Order extends Observation {
  readonly common: Common;
}

function announce(order: Order): Promise<Created> {
  const { file, mjd, exposure_s, common } = order;
  const exposure = exposure_s === null ? {} : { exposure_s };
  return ask<Created>("POST", "/api/uploads", { ...common, mjd, ...exposure, filename: file.name, size: file.size });
}

async function fetchJobs(ids: readonly string[]): Promise<readonly Job[]> {
  return (await get<Page<Job>>("/api/uploads", { ids: ids.join(",") })).items;
}

/** What is beneath the form: how many files have ended, and each of them. */
export class UploadDesk {
  readonly element: HTMLElement;
  readonly #list = h("ul", { class: "files", "aria-label": "Files sent" });
  readonly #summary = h("p", { class: "soft", role: "status" });
  readonly #trouble = h("div", { "aria-live": "polite" });
  readonly #views = new Map<Order, FileView>();
  readonly #byJob = new Map<string, FileView>();
  readonly #queue: UploadQueue<Order>;
  readonly #poller: Poller;
  #ended = 0;

  constructor() {
    this.element = h("div", {}, this.#trouble, this.#summary, this.#list);
    this.#queue = new UploadQueue<Order>({
      announce,
      send: (order, created, onProgress) => sendFile(order.file, created, onProgress),
      wait,
      onChange: (item) => this.#follow(item),
    });
    this.#poller = new Poller({
      fetchJobs,
      wait,
      onJob: (job) => this.#tell(job),
      onTrouble: (problem: Problem | null) => fill(this.#trouble, problem && problemBox(problem)),
      onLost: (jobId) => {
        this.#byJob.get(jobId)?.lose(jobId);
        this.#end();
      },
    });
  }

  /** Whether leaving the page would lose a file. */
  get isSending(): boolean {
    return this.#queue.isBusy;
  }

  /** Send these files. */
  send(files: readonly Timed[], common: Common): void {
    const orders = files.map((each): Order => ({ ...each, event: common.event, dryRun: common.dry_run, common }));
    for (const order of orders) {
      const view = new FileView(order);
      this.#views.set(order, view);
      this.#list.prepend(view.element);
    }
    this.#tally();
    this.#queue.add(orders);
  }

  #follow(item: Item<Order>): void {
    const view = this.#views.get(item.file);
    view?.follow(item);
    if (item.step === "refused") this.#end();
    if (item.step !== "sent" || view === undefined || item.jobId === null) return;
    this.#byJob.set(item.jobId, view);
    this.#poller.add(item.jobId);
  }

  #tell(job: Job): void {
    this.#byJob.get(job.job_id)?.tell(job);
    if (isTerminal(job.state)) this.#end();
  }

  #end(): void {
    this.#ended += 1;
    this.#tally();
  }

  #tally(): void {
    this.#summary.textContent = `${count(this.#views.size, "file")}, ${this.#ended} finished`;
  }
}
