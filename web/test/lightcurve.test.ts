import assert from "node:assert/strict";
import { test } from "node:test";
import { looksOf } from "../src/chart/palette.ts";
import { numberTicks } from "../src/chart/roundticks.ts";
import { calendarTicks } from "../src/chart/ticks.ts";
import { bandsOf, type LightCurveDocument, pointsOf } from "../src/lib/lightcurve.ts";

const DOCUMENT: LightCurveDocument = {
  schema: "cpcs-lightcurve/1",
  target: { name: "Gaia18dps" },
  columns: {
    id: [3, 1, 2],
    mjd: [58462.5, 58460.1, null],
    exposure_s: [60, null, 60],
    mag: [16.5, 19.1, 12],
    mag_err: [0.01, null, 0.1],
    calib_err: [0.02, 0.03, 0.1],
    zero_point: [25, 24, 23],
    outlier_fraction: [0.1, 0.2, 0.1],
    n_matched: [79, 12, 9],
    limit: [false, true, false],
    catalogue: ["PS1", "APASS", "PS1"],
    filter: ["r", "B", "r"],
    mode: ["AUTO", "FORCED", "AUTO"],
    observatory_id: [7, 8, 7],
    observatory: ["Loiano", "Moletai", "Loiano"],
  },
};

test("columns become points in order of time; rows without a time are left out", () => {
  const points = pointsOf(DOCUMENT);
  assert.deepEqual(
    points.map((point) => point.id),
    [1, 3],
  );
  assert.equal(points[0]?.is_limit, true);
  assert.equal(points[0]?.mag_err, null);
  assert.equal(points[1]?.passband, "PS1/r");
});

test("filters run from blue to red, and differ in colour and in shape", () => {
  const bands = bandsOf(pointsOf(DOCUMENT));
  assert.deepEqual(
    bands.map((band) => band.passband),
    ["APASS/B", "PS1/r"],
  );
  const looks = looksOf(bands);
  assert.notEqual(looks.get("APASS/B")?.colour, looks.get("PS1/r")?.colour);
  assert.notEqual(looks.get("APASS/B")?.shape, looks.get("PS1/r")?.shape);
});

test("calendar ticks fall on boundaries and stay few", () => {
  const years = calendarTicks(56000, 60000, 6);
  assert.ok(years.length >= 3 && years.length <= 7);
  assert.match(years[0]?.label ?? "", /^\d{4}$/);
  assert.deepEqual(calendarTicks(58299, 58301, 5).map((tick) => tick.label)[1], "06-30 12:00");
  assert.equal(calendarTicks(58300, 58380, 4)[0]?.label, "2018-07");
  assert.deepEqual(calendarTicks(5, 5, 4), []);
});

test("round numbers on an axis", () => {
  assert.deepEqual(
    numberTicks(-0.12, 0.21, 4).map((tick) => tick.label),
    ["−0.1", "0.0", "0.1", "0.2"],
  );
  assert.deepEqual(
    numberTicks(13.2, 18.9, 6).map((tick) => tick.label),
    ["14", "15", "16", "17", "18"],
  );
  assert.deepEqual(numberTicks(1, 1, 4), []);
});
