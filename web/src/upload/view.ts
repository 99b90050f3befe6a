/** One file on the upload page: what it is, how far it is, what became of it. */
import { reportPage } from "../lib/address.ts";
import { Problem } from "../lib/api.ts";
import { fill, h } from "../lib/dom.ts";
import { bytes, fixed, magnitude } from "../lib/format.ts";
import type { Job, Outcome } from "../lib/records.ts";
import { problemBox } from "../lib/states.ts";
import type { Item } from "./queue.ts";

export interface Observation {
  readonly file: File;
  readonly event: string;
  readonly mjd: number;
  readonly exposure_s: number | null;
  readonly dryRun: boolean;
}

const STEPS = { queued: "Waiting", announcing: "Announcing", sending: "Sending", sent: "Sent", refused: "Not taken" };

const STATES: Record<Job["state"], string> = {
  CREATED: "Sent",
  UPLOADED: "Waiting for calibration",
  CALIBRATING: "Calibrating",
  WAITING_REFERENCE: "Waiting for reference stars",
  DONE: "Done",
  REJECTED: "Refused",
  FAILED: "Failed",
  DELETED: "Deleted",
};

/** The steps of measuring an image, by the server's names. */
const DOING: Readonly<Record<string, string>> = {
  prepare: "Looking at the sky",
  "psf-stars": "Choosing stars for the PSF",
  psf: "Fitting the PSF",
  stars: "Measuring the stars",
  total: "Measuring the stars",
  solve: "Finding its place on the sky",
  refine: "Refining its place on the sky",
  figures: "Drawing figures",
};

/** A list item that follows its file from the queue to the result. */
export class FileView {
  readonly element: HTMLElement;
  readonly #status = h("span", { class: "soft status" });
  readonly #bar: HTMLProgressElement;
  readonly #result = h("div");

  constructor(readonly observation: Observation) {
    const { file, event, mjd, dryRun } = observation;
    this.#bar = h("progress", { max: Math.max(1, file.size), value: 0, "aria-label": `Sending ${file.name}` });
    this.element = h(
      "li",
      {},
      h("div", { class: "head" }, h("span", { class: "name" }, file.name), this.#status),
      this.#bar,
      h("p", { class: "help" }, `${event} · MJD ${mjd.toFixed(5)} · ${bytes(file.size)}${dryRun ? " · dry run" : ""}`),
      this.#result,
    );
  }

  /** The file's way to the server. */
  follow(item: Item<Observation>): void {
    const part = Math.floor((100 * item.sentBytes) / Math.max(1, this.observation.file.size));
    this.#status.textContent = item.step === "sending" ? `Sending, ${part} %` : STEPS[item.step];
    this.#bar.value = item.step === "sent" ? this.#bar.max : item.sentBytes;
    if (item.problem !== null) this.#end("bad", problemBox(item.problem));
  }

  /** What the server says of its job. */
  tell(job: Job): void {
    this.#status.textContent = STATES[job.state];
    if (job.state === "DONE" && job.outcome !== null) this.#end("good", result(job, job.outcome));
    else if (job.state === "REJECTED" || job.state === "FAILED") this.#end("bad", refusal(job));
    else if (job.state === "DELETED") this.#end("bad", h("p", {}, "The point was deleted."));
    else this.#wait(job);
  }

  /** The server keeps silent about the job. */
  lose(jobId: string): void {
    const said = "Look at the follow-ups in a while, or send the file again: the same file never makes two points.";
    this.#end("bad", problemBox(new Problem("UNKNOWN_JOB", `The server does not know upload ${jobId}.`, said)));
  }

  /** How long it takes is known of an image; else the bar says that it is not, and rests while the job waits. */
  #wait({ error: told, progress }: Job): void {
    if (progress) {
      this.#status.textContent = `${DOING[progress.step] ?? "Measuring"}, ${Math.round(100 * progress.share)} %`;
      this.#bar.max = 1;
      this.#bar.value = progress.share;
    } else this.#bar.removeAttribute("value");
    this.#bar.hidden = told !== null;
    fill(this.#result, told && waiting(told));
  }

  #end(look: string, shown: HTMLElement): void {
    this.#status.className = look;
    this.#bar.remove();
    fill(this.#result, shown);
  }
}

function waiting(told: { message: string; hint: string }): HTMLElement {
  return h("p", { class: "notice" }, `${told.message} ${told.hint}`);
}

function refusal(job: Job): HTMLElement {
  const told = job.error ?? {
    code: job.state,
    message: "The upload was refused without a reason.",
    hint: "Tell the operators.",
  };
  return h("div", {}, problemBox(new Problem(told.code, told.message, told.hint)), reportLink(job));
}

function reportLink(job: Job): HTMLElement | null {
  return job.report ? h("p", {}, h("a", { href: reportPage(job.job_id) }, "Report of this calibration")) : null;
}

function result(job: Job, outcome: Outcome): HTMLElement {
  const seconds = outcome.seconds ?? {};
  const took = seconds["total"] ?? Object.values(seconds).reduce((sum, each) => sum + each, 0);
  const rows: [string, string][] = [
    ["Filter", outcome.catalogue ? `${outcome.catalogue}/${outcome.filter}` : "—"],
    ["Magnitude", magnitude(outcome.mag, outcome.mag_err, outcome.is_limit === true)],
    ["Zero point", fixed(outcome.zero_point, 3)],
    ["Scatter", fixed(outcome.scatter, 3)],
    ["Points used", String(outcome.n_matched ?? "—")],
    ["Outlier fraction", fixed(outcome.outlier_fraction, 2)],
  ];
  if (took > 0) rows.push(["Time", `${took.toFixed(2)} s`]);
  return h(
    "div",
    {},
    h(
      "dl",
      { class: "facts result" },
      ...rows.map(([term, said]) => h("div", {}, h("dt", {}, term), h("dd", {}, said))),
    ),
    outcome.existing_id
      ? h("p", {}, `This very file had already made point ${outcome.existing_id}; nothing was added.`)
      : null,
    reportLink(job),
  );
}
