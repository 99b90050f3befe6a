/** One event: what it is, its light curve, and the same points as a table. */
import "../lib/shell.ts";
import { eventPage, lightCurveCopy, pathTail, reportPage, safeAddress } from "../lib/address.ts";
import { asProblem, getOrCopy, Problem, type Served } from "../lib/api.ts";
import { byId, fill, h } from "../lib/dom.ts";
import { count, dateOfIso, dateOfMjd, declination, fixed, magnitude, rightAscension } from "../lib/format.ts";
import { type CurvePoint, type LightCurveDocument, pointsOf } from "../lib/lightcurve.ts";
import type { Me, SkyEvent } from "../lib/records.ts";
import { deleteButton } from "../lib/remove.ts";
import { mayDelete, whoAmI } from "../lib/session.ts";
import { copyNotice, empty, loading, problemBox } from "../lib/states.ts";
import { LocalTable } from "../lib/table.ts";

const about = byId("event");
const below = byId("curve");
const name = new URLSearchParams(location.search).get("name") ?? "";

function fact(term: string, ...said: (Node | string | null)[]): HTMLElement {
  return h("div", {}, h("dt", {}, term), h("dd", {}, ...said));
}

function facts(event: Omit<SkyEvent, "published" | "event_id" | "n_followups"> & Partial<SkyEvent>): HTMLElement {
  const page = event.url ? safeAddress(event.url) : null;
  return h(
    "dl",
    { class: "facts" },
    fact("RA", rightAscension(event.ra_deg), h("small", {}, `${event.ra_deg.toFixed(6)}°`)),
    fact("Dec", declination(event.dec_deg), h("small", {}, `${fixed(event.dec_deg, 6)}°`)),
    event.published ? fact("Published", dateOfIso(event.published), h("small", {}, "UTC")) : null,
    event.event_id ? fact("Number", String(event.event_id), h("small", {}, event.ivorn)) : null,
    page
      ? fact("Web page", h("a", { href: page, rel: "noopener noreferrer" }, new URL(page, location.origin).hostname))
      : null,
    event.comment ? fact("Comment", event.comment) : null,
  );
}

function head(title: string, ...parts: (Node | null)[]): void {
  document.title = `${title} · CPCS`;
  fill(about, h("h1", {}, title), ...parts);
}

function table(points: readonly CurvePoint[], me: Me | null): HTMLElement {
  const removal = (point: CurvePoint): HTMLElement | null =>
    mayDelete(me, point.observatory_id)
      ? deleteButton(point.id, `${point.passband}, ${dateOfMjd(point.mjd)}`, () => void showCurve())
      : null;
  const twin = new LocalTable<CurvePoint>(
    "The points of the plot, latest first; “cal.” is the scatter of the comparison stars",
    "point",
    [
      { title: "Date (UTC)", look: "w", cell: (point) => dateOfMjd(point.mjd), value: (point) => point.mjd },
      { title: "MJD", look: "n", cell: (point) => fixed(point.mjd, 5), value: (point) => point.mjd },
      {
        title: "Magnitude",
        look: "n",
        cell: (point) => magnitude(point.mag, point.mag_err, point.is_limit),
        value: (point) => point.mag,
      },
      { title: "Cal.", look: "n", cell: (point) => fixed(point.calib_err, 2), value: (point) => point.calib_err ?? 99 },
      { title: "Filter", look: "w", cell: (point) => point.passband, value: (point) => point.passband },
      { title: "Mode", cell: (point) => point.mode, value: (point) => point.mode },
      {
        title: "Zero point",
        look: "n",
        cell: (point) => fixed(point.zero_point, 3),
        value: (point) => point.zero_point ?? 99,
      },
      { title: "Points", look: "n", cell: (point) => point.n_matched, value: (point) => point.n_matched ?? 0 },
      {
        title: "Outliers",
        look: "n",
        cell: (point) => fixed(point.outlier_fraction, 2),
        value: (point) => point.outlier_fraction ?? 9,
      },
      { title: "Observatory", cell: (point) => point.observatory, value: (point) => point.observatory },
      {
        title: "Report",
        cell: (point) => (point.job_id ? h("a", { href: reportPage(point.job_id) }, `${point.id}`) : `${point.id}`),
      },
      { title: "", cell: removal },
    ],
  );
  twin.set([...points].reverse());
  return twin.element;
}

async function drawCurve(served: Served<LightCurveDocument>): Promise<void> {
  const points = pointsOf(served.data);
  if (points.length === 0) {
    const upload = h(
      "a",
      { href: `/upload.html?event=${encodeURIComponent(name)}` },
      "Upload a catalogue of this field",
    );
    return fill(below, empty("No follow-up point yet. ", upload));
  }
  const me = await whoAmI();
  const chart = h("div", {}, loading("the plot"));
  const limits = points.filter((point) => point.is_limit).length;
  const said = count(points.length, "point") + (limits ? `, ${count(limits, "limit")} among them` : "");
  fill(
    below,
    served.isCopy && copyNotice(served.data.generated_at),
    h("h2", {}, "Light curve ", h("small", {}, said)),
    chart,
    h("h2", {}, "Points"),
    table(points, me),
    served.data.acknowledgement ? h("p", { class: "soft acknowledgement" }, served.data.acknowledgement) : null,
  );
  const { showLightCurve } = await import("../chart/index.ts");
  showLightCurve(points, chart);
}

async function fetchCurve(): Promise<Served<LightCurveDocument>> {
  return getOrCopy<LightCurveDocument>(`/api/lightcurves/${pathTail(name)}`, {}, lightCurveCopy(name));
}

async function showCurve(curve = fetchCurve()): Promise<void> {
  if (below.childElementCount === 0) fill(below, loading("the light curve"));
  try {
    await drawCurve(await curve);
  } catch (error) {
    fill(
      below,
      problemBox(asProblem(error), () => void showCurve()),
    );
  }
}

function targetOf(document: LightCurveDocument): HTMLElement {
  const { target } = document;
  const [ra, dec] = [target.ra_deg ?? target.ra ?? 0, target.dec_deg ?? target.dec ?? 0];
  return facts({ name: target.name, ivorn: target.ivorn ?? "", ra_deg: ra, dec_deg: dec, url: "", comment: "" });
}

async function show(): Promise<void> {
  if (name === "")
    return head("Event", empty("No event was named. ", h("a", { href: "/" }, "Choose one from the list")));
  head(name, loading("the event"));
  const curve = fetchCurve();
  curve.catch(() => undefined); // shown where the curve belongs, once the event is known
  try {
    const { data: event } = await getOrCopy<SkyEvent>(`/api/events/${pathTail(name)}`, {}, null);
    const upload = h("a", { href: `/upload.html?event=${encodeURIComponent(event.name)}` }, "Upload a catalogue");
    head(event.name, facts(event), h("p", {}, upload));
    history.replaceState(null, "", eventPage(event.name));
  } catch (error) {
    const problem = asProblem(error);
    if (!(problem instanceof Problem) || !problem.isOutage) return head(name, problemBox(problem));
    const copy = await curve.catch(() => null);
    if (copy === null)
      return head(
        name,
        problemBox(problem, () => void show()),
      );
    head(copy.data.target.name, targetOf(copy.data));
  }
  await showCurve(curve);
}

void show();
