/**
 * What became of the uploads: one loop that asks for all unfinished jobs together, however many there are.
 *
 * The pause grows while nothing changes and falls back when something does. An outage is waited out.
 */
import { Problem } from "../lib/api.ts";
import { isTerminal, type Job } from "../lib/records.ts";
import type { Wait } from "./wait.ts";

export interface Watch {
  readonly fetchJobs: (ids: readonly string[]) => Promise<readonly Job[]>;
  readonly wait: Wait;
  readonly onJob: (job: Job) => void;
  /** A question that could not be answered: null once it can be again. */
  readonly onTrouble: (problem: Problem | null) => void;
  /** A job the server keeps silent about. */
  readonly onLost: (jobId: string) => void;
}

const TOGETHER = 50;
const SHORTEST_MS = 500;
const LONGEST_MS = 6000;
const SILENCES = 12;

export class Poller {
  readonly #watch: Watch;
  readonly #states = new Map<string, string>();
  readonly #silences = new Map<string, number>();
  #loop: Promise<void> | null = null;
  #pause = SHORTEST_MS;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  /** How many jobs are not finished. */
  get unfinished(): number {
    return this.#states.size;
  }

  /** Watch a job; begins the loop if it rests. */
  add(jobId: string): void {
    this.#states.set(jobId, "");
    this.#pause = SHORTEST_MS;
    this.#begin();
  }

  #begin(): void {
    this.#loop ??= this.#run().finally(() => {
      this.#loop = null;
      if (this.#states.size > 0) this.#begin(); // added between the last look and here
    });
  }

  async #run(): Promise<void> {
    while (this.#states.size > 0) {
      await this.#watch.wait(this.#pause);
      const changed = await this.#round();
      this.#pause = changed ? SHORTEST_MS : Math.min(LONGEST_MS, this.#pause * 1.4);
    }
  }

  async #round(): Promise<boolean> {
    let changed = false;
    const ids = [...this.#states.keys()];
    for (let start = 0; start < ids.length; start += TOGETHER) {
      const some = ids.slice(start, start + TOGETHER);
      try {
        const jobs = await this.#watch.fetchJobs(some);
        this.#watch.onTrouble(null);
        changed = this.#take(some, jobs) || changed;
      } catch (error) {
        this.#watch.onTrouble(error instanceof Problem ? error : new Problem("SITE_ERROR", String(error), ""));
      }
    }
    return changed;
  }

  #take(asked: readonly string[], jobs: readonly Job[]): boolean {
    let changed = false;
    for (const job of jobs) {
      if (!this.#states.has(job.job_id)) continue;
      changed ||= this.#states.get(job.job_id) !== job.state;
      this.#states.set(job.job_id, job.state);
      if (isTerminal(job.state)) this.#states.delete(job.job_id);
      this.#watch.onJob(job);
    }
    const answered = new Set(jobs.map((job) => job.job_id));
    for (const id of asked) if (!answered.has(id)) this.#silent(id);
    return changed;
  }

  #silent(id: string): void {
    const times = (this.#silences.get(id) ?? 0) + 1;
    this.#silences.set(id, times);
    if (times < SILENCES) return;
    this.#states.delete(id);
    this.#watch.onLost(id);
  }
}
