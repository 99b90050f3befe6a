import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem } from "../src/lib/api.ts";
import type { Created, Job, JobState } from "../src/lib/records.ts";
import { guessTime } from "../src/upload/header.ts";
import { Poller } from "../src/upload/poller.ts";
import { UploadQueue } from "../src/upload/queue.ts";

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const created = (id: string): Created => ({ job_id: id, upload: { url: "/upload-target", fields: {}, max_bytes: 1 } });
const job = (id: string, state: JobState): Job => ({
  job_id: id,
  event: "x",
  state,
  error: null,
  outcome: null,
  figures: {},
  report: null,
});

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 20_000 && !done(); i++) await soon();
  assert.ok(done(), "never finished");
}

test("a thousand files with every tenth answer failing: none lost, none twice", async () => {
  let answers = 0;
  let atOnce = 0;
  let most = 0;
  const arrived: number[] = [];
  const falter = (): void => {
    if (++answers % 10 === 0) throw new Problem("HTTP_503", "busy", "", 503);
  };
  const queue = new UploadQueue<number>({
    announce: async (file) => {
      most = Math.max(most, ++atOnce);
      await soon();
      atOnce -= 1;
      falter();
      if (file === 500) throw new Problem("UNKNOWN_EVENT", "no", "look", 404);
      return created(String(file));
    },
    send: async (file, _created, onProgress) => {
      await soon();
      falter();
      onProgress(1);
      arrived.push(file);
    },
    wait: soon,
    onChange: () => undefined,
  });
  queue.add(Array.from({ length: 1000 }, (_, i) => i));
  await until(() => !queue.isBusy);
  assert.equal(arrived.length, 999);
  assert.equal(new Set(arrived).size, 999);
  assert.ok(most <= 4);
  const refused = queue.items.filter((item) => item.step === "refused");
  assert.deepEqual(
    refused.map((item) => [item.file, item.problem?.code]),
    [[500, "UNKNOWN_EVENT"]],
  );
});

test("jobs are asked for together, through an outage, until each has ended", async () => {
  const asked: number[] = [];
  const ended = new Set<string>();
  const troubles: (string | null)[] = [];
  let round = 0;
  const poller = new Poller({
    fetchJobs: async (ids) => {
      asked.push(ids.length);
      round += 1;
      if (round === 2) throw new Problem("UNREACHABLE", "gone", "");
      return ids.filter((id) => id !== "lost").map((id) => job(id, round > 4 ? "DONE" : "CALIBRATING"));
    },
    wait: soon,
    onJob: (each) => {
      if (each.state === "DONE") ended.add(each.job_id);
    },
    onTrouble: (problem) => troubles.push(problem?.code ?? null),
    onLost: (id) => ended.add(id),
  });
  for (let i = 0; i < 60; i++) poller.add(`job${i}`);
  poller.add("lost");
  await until(() => poller.unfinished === 0);
  assert.equal(ended.size, 61);
  assert.ok(asked.every((n) => n <= 50));
  assert.ok(troubles.includes("UNREACHABLE") && troubles.at(-1) === null);
});

test("the time of an exposure is guessed from the header, to its middle", () => {
  const cards =
    "SIMPLE  =                    T" +
    "\0MJD-OBS =        58299.1 / start".padEnd(80) +
    "EXPTIME =   864.0 / s".padEnd(80);
  const guess = guessTime(cards);
  assert.ok(guess !== null && Math.abs(guess.mjd - 58299.105) < 1e-9);
  assert.equal(guess.exposure_s, 864);
  assert.equal(guessTime(" DATE-OBS= '2018-06-30T03:00:00.0' /")?.mjd, 58299.125);
  assert.equal(guessTime("# 1 NUMBER\n# 2 MAG_AUTO\n 1 12.3"), null);
});
