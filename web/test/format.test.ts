import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bytes,
  dateOfIso,
  dateOfMjd,
  declination,
  fixed,
  magnitude,
  mjdOfUnix,
  mjdTrouble,
  parseAngle,
  parseMjd,
  rightAscension,
} from "../src/lib/format.ts";

test("magnitudes, limits and what is missing", () => {
  assert.equal(magnitude(15.4701, 0.0123, false), "15.470 ± 0.012");
  assert.equal(magnitude(19.2, null, true), "> 19.20");
  assert.equal(magnitude(null, null, false), "—");
  assert.equal(fixed(-1.776, 2), "−1.78");
});

test("MJD and dates", () => {
  assert.equal(dateOfMjd(51544.5), "2000-01-01 12:00");
  assert.equal(dateOfMjd(58299.125, true), "2018-06-30 03:00:00");
  assert.equal(dateOfIso("2018-12-07T06:36:58Z"), "2018-12-07 06:36");
  assert.equal(parseMjd("2018-06-30T03:00:00Z"), 58299.125);
  assert.equal(parseMjd("2018-06-30 03:00"), 58299.125);
  assert.equal(parseMjd("58299.125"), 58299.125);
  assert.equal(parseMjd("30/06/2018"), null);
});

test("the usual mistakes with MJD are named", () => {
  const now = Date.UTC(2026, 0, 1);
  assert.match(mjdTrouble(2458299.625, now) ?? "", /58299\.12500/);
  assert.match(mjdTrouble(40000, now) ?? "", /before 1990/);
  assert.match(mjdTrouble(mjdOfUnix(now) + 1, now) ?? "", /future/);
  assert.equal(mjdTrouble(58299, now), null);
});

test("positions on the sky", () => {
  assert.equal(rightAscension(220.665), "14 42 39.60");
  assert.equal(rightAscension(359.999999), "00 00 00.00");
  assert.equal(declination(53.2651944444), "+53 15 54.7");
  assert.equal(declination(-0.5), "−00 30 00.0");
  assert.equal(parseAngle("14:42:39.6", true)?.toFixed(6), "220.665000");
  assert.equal(parseAngle("−00 30 00", false), -0.5);
  assert.equal(parseAngle("14h42m39.6s", true)?.toFixed(3), "220.665");
  assert.equal(parseAngle("12.5", true), 12.5);
  assert.equal(parseAngle("12 75 00", true), null);
  assert.equal(parseAngle("nonsense", false), null);
});

test("sizes", () => {
  assert.equal(bytes(999), "999 B");
  assert.equal(bytes(1234), "1.2 kB");
  assert.equal(bytes(20_971_520), "21.0 MB");
});
