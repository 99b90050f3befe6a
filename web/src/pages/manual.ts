/** The manual: its curl line names this server. */
import "../lib/shell.ts";
import { byId } from "../lib/dom.ts";

const FIELDS = [
  "EventID=ivo://Gaia18bmt",
  "sexCat=@catalogue.cat;filename=test.cat",
  "matchDist=2",
  "MJD=58299.12500",
  "expTime=60",
  "forceFilter=no",
  "dryRun=0",
  "noPlot=0",
  "outputFormat=json",
  "hashtag=YOUR_KEY",
];

byId("curl-line").textContent = [
  "curl",
  ...FIELDS.map((field) => `  -F "${field}"`),
  `  ${location.origin}/cgi/upload`,
].join(" \\\n");
