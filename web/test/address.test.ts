import assert from "node:assert/strict";
import { test } from "node:test";
import { eventKey, lightCurveCopy, localPath, pathTail, safeAddress } from "../src/lib/address.ts";

test("only http, https, own paths and fragments are shown as links", () => {
  for (const bad of [
    "javascript:alert(1)",
    " JavaScript:x",
    "data:text/html,x",
    "//evil.example/",
    "/\\evil",
    "ftp://x",
    "x",
  ]) {
    assert.equal(safeAddress(bad), null, bad);
  }
  assert.equal(safeAddress("https://example.org/a?b=1"), "https://example.org/a?b=1");
  assert.equal(safeAddress("/event.html?name=x"), "/event.html?name=x");
  assert.equal(safeAddress("#main"), "#main");
});

test("after signing in one only goes to this server", () => {
  assert.equal(localPath("/upload.html?event=x", "/"), "/upload.html?event=x");
  assert.equal(localPath("//evil.example", "/"), "/");
  assert.equal(localPath("https://evil.example", "/"), "/");
  assert.equal(localPath(null, "/"), "/");
});

test("one key for every form of a name", () => {
  for (const form of ["Gaia18bmt", "ivo://Gaia18bmt", "ivo://gaia.cam.uk/alerts#Gaia18bmt", " gaia18BMT "]) {
    assert.equal(eventKey(form), "gaia18bmt");
  }
  const transient = "ivo://nvo.caltech/voeventnet/catot#1208121350994133433";
  assert.equal(eventKey(transient), "nvo.caltech/voeventnet/catot#1208121350994133433");
});

test("the copy of a light curve is found under a key that is itself encoded", () => {
  assert.equal(lightCurveCopy("Gaia18bmt"), "/data/lightcurves/gaia18bmt.json");
  assert.equal(lightCurveCopy("CRTS J105122.8+672528"), "/data/lightcurves/crts%2520j105122.8%252B672528.json");
});

test("slashes of a name stay in a path, everything else is encoded", () => {
  assert.equal(pathTail("nvo.caltech/catot#12 (b)"), "nvo.caltech/catot%2312%20%28b%29");
});
