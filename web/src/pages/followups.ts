/** The list of follow-up points, latest calibration first; of one event or observatory if the address says so. */
import "../lib/shell.ts";
import { eventPage, reportPage } from "../lib/address.ts";
import { byId, h } from "../lib/dom.ts";
import { dateOfIso, dateOfMjd, fixed, magnitude } from "../lib/format.ts";
import { CursorList } from "../lib/list.ts";
import type { Point } from "../lib/records.ts";
import { deleteButton } from "../lib/remove.ts";
import { mayDelete, whoAmI } from "../lib/session.ts";
import { empty } from "../lib/states.ts";

const here = new URLSearchParams(location.search);
const me = await whoAmI();

const list: CursorList<Point> = new CursorList<Point>({
  root: byId("list"),
  what: "follow-ups",
  caption: "MJD at mid-exposure, UTC; “cal.” is the scatter of the comparison stars",
  path: "/api/followups",
  copy: (query) => (query["event"] || query["observatory"] ? null : "/data/followups.json"),
  nothing: () =>
    empty("There are no follow-up points here yet. ", h("a", { href: "/upload.html" }, "Upload a catalogue")),
  columns: [
    { title: "Event", cell: (point) => h("a", { href: eventPage(point.event_name) }, point.event_name) },
    { title: "Date (UTC)", look: "w", cell: (point) => dateOfMjd(point.mjd) },
    { title: "MJD", look: "n", cell: (point) => fixed(point.mjd, 5) },
    { title: "Magnitude", look: "n", cell: (point) => magnitude(point.mag, point.mag_err, point.is_limit) },
    { title: "Cal.", look: "n", cell: (point) => fixed(point.calib_err, 2) },
    { title: "Filter", look: "w", cell: (point) => `${point.catalogue}/${point.filter}` },
    { title: "Mode", cell: (point) => point.mode },
    { title: "Points", look: "n", cell: (point) => point.n_matched },
    { title: "Observatory", cell: (point) => point.observatory },
    { title: "Calibrated", look: "w", cell: (point) => dateOfIso(point.calibrated_at) },
    {
      title: "Report",
      cell: (point) => (point.job_id ? h("a", { href: reportPage(point.job_id) }, `${point.followup_id}`) : null),
    },
    { title: "", cell: removal },
  ],
});

function removal(point: Point): HTMLElement | null {
  if (!mayDelete(me, point.observatory_id)) return null;
  return deleteButton(point.followup_id, `${point.event_name}, ${dateOfMjd(point.mjd)}`, () => void list.reload());
}

void list.show({ event: here.get("event"), observatory: here.get("observatory") });
