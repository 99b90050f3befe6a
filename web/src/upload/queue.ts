/**
 * Many files, a few at a time: each is announced to the server, then sent to where the server says.
 *
 * Sending ends when the file has arrived; what becomes of it is the business of {@link ./poller.ts | the poller}, so
 * that a slow calibration never holds up the next file. An outage is tried again with growing pauses; a refusal is
 * final.
 */
import { Problem } from "../lib/api.ts";
import type { Created } from "../lib/records.ts";
import type { Wait } from "./wait.ts";

export type Step = "queued" | "announcing" | "sending" | "sent" | "refused";

export interface Item<F> {
  readonly file: F;
  step: Step;
  sentBytes: number;
  jobId: string | null;
  problem: Problem | null;
}

export interface Roads<F> {
  /** Announce the file: the job, and where to send it. */
  readonly announce: (file: F) => Promise<Created>;
  /** Send it; tell how many bytes have gone. */
  readonly send: (file: F, created: Created, onProgress: (bytes: number) => void) => Promise<void>;
  readonly wait: Wait;
  /** Called after every change of an item. */
  readonly onChange: (item: Item<F>) => void;
}

const AT_ONCE = 4;
const TRIES = 5;
const FIRST_PAUSE_MS = 800;

export class UploadQueue<F> {
  readonly items: Item<F>[] = [];
  readonly #roads: Roads<F>;
  #waiting: Item<F>[] = [];
  #running = 0;

  constructor(roads: Roads<F>) {
    this.#roads = roads;
  }

  /** Whether files are on their way. */
  get isBusy(): boolean {
    return this.#running > 0 || this.#waiting.length > 0;
  }

  /** Take files in and begin. */
  add(files: readonly F[]): void {
    const fresh = files.map((file): Item<F> => ({ file, step: "queued", sentBytes: 0, jobId: null, problem: null }));
    this.items.push(...fresh);
    this.#waiting.push(...fresh);
    fresh.forEach(this.#roads.onChange);
    this.#fillUp();
  }

  #fillUp(): void {
    while (this.#running < AT_ONCE) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#running += 1;
      void this.#carry(next).finally(() => {
        this.#running -= 1;
        this.#fillUp();
      });
    }
  }

  async #carry(item: Item<F>): Promise<void> {
    try {
      this.#move(item, "announcing");
      const created = await this.#patiently(() => this.#roads.announce(item.file));
      item.jobId = created.job_id;
      this.#move(item, "sending");
      await this.#patiently(() => this.#roads.send(item.file, created, (bytes) => this.#progress(item, bytes)));
      this.#move(item, "sent");
    } catch (error) {
      item.problem = error instanceof Problem ? error : new Problem("SITE_ERROR", String(error), "Reload the page.");
      this.#move(item, "refused");
    }
  }

  async #patiently<T>(action: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await action();
      } catch (error) {
        if (!(error instanceof Problem) || !error.isOutage || attempt >= TRIES) throw error;
        await this.#roads.wait(FIRST_PAUSE_MS * 2 ** (attempt - 1));
      }
    }
  }

  #progress(item: Item<F>, bytes: number): void {
    item.sentBytes = bytes;
    this.#roads.onChange(item);
  }

  #move(item: Item<F>, step: Step): void {
    item.step = step;
    this.#roads.onChange(item);
  }
}
