/** The observatories, as one list. */
import "../lib/shell.ts";
import { byId, h } from "../lib/dom.ts";
import { fixed } from "../lib/format.ts";
import { CursorList } from "../lib/list.ts";
import type { Observatory } from "../lib/records.ts";
import { empty } from "../lib/states.ts";

void new CursorList<Observatory>({
  root: byId("list"),
  what: "observatories",
  caption: "Degrees; metres above sea level",
  path: "/api/observatories",
  copy: () => "/data/observatories.json",
  nothing: () => empty("No observatory is registered yet."),
  columns: [
    {
      title: "Observatory",
      cell: (site) => h("a", { href: `/followups.html?observatory=${site.observatory_id}` }, site.name),
    },
    { title: "Longitude", look: "n", cell: (site) => fixed(site.longitude_deg, 4) },
    { title: "Latitude", look: "n", cell: (site) => fixed(site.latitude_deg, 4) },
    { title: "Altitude", look: "n", cell: (site) => fixed(site.altitude_m, 0) },
    { title: "Observations", look: "n", cell: (site) => site.n_observations.toLocaleString("en-GB") },
    { title: "Id", look: "n", cell: (site) => site.observatory_id },
  ],
}).show({});
