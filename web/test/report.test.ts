import assert from "node:assert/strict";
import { test } from "node:test";
import { type Candidate, type Report, starsOf, whyRefused } from "../src/lib/report.ts";

const CANDIDATE = {
  passband: "APASS/r",
  zero_point: 1,
  zero_point_err: 0.1,
  scatter: 0.05,
  scatter_err: 0.01,
  outlier_fraction: 0.1,
  n_matched: 3,
  probability: 0.9,
  confidence: 0.95,
  refused: null,
  photographic: false,
  stars: {
    star: [2, 0, 1],
    ref_mag: [15, 16, null],
    ref_err: [0.01, 0.02, 0.1],
    residual: [0.01, -0.4, 0.2],
    inlier_probability: [1, 0.02, 1],
    sep_arcsec: [0.1, 0.2, 0.3],
  },
} satisfies Candidate;

test("a candidate's stars know their rows, the largest residual first", () => {
  const report = {
    stars: {
      ra_deg: [10, 11, 12],
      dec_deg: [1, 2, 3],
      inst_mag: [-5, -6, -7],
      inst_mag_err: [0.1, 0.2, null],
      flags: [0, 2, 3],
    },
  } as unknown as Report;
  const stars = starsOf(report, CANDIDATE);
  assert.deepEqual(
    stars.map((star) => [star.ra_deg, star.residual, star.flags]),
    [
      [10, -0.4, 0],
      [12, 0.01, 3],
    ],
  );
});

test("refusals are told in words", () => {
  assert.equal(whyRefused(CANDIDATE), "");
  assert.equal(whyRefused({ ...CANDIDATE, refused: "few-stars" }), "too few stars");
  assert.equal(whyRefused({ ...CANDIDATE, refused: "new-reason" }), "new-reason");
});
