/** The report of one calibration: the result, every filter that was tried, and the stars star by star. */
import "../css/report.css";
import "../lib/shell.ts";
import { residualPlot } from "../chart/residuals.ts";
import { eventPage } from "../lib/address.ts";
import { asProblem, get } from "../lib/api.ts";
import { byId, type Child, fill, h } from "../lib/dom.ts";
import { count, dateOfMjd, declination, fixed, magnitude, type Maybe, rightAscension } from "../lib/format.ts";
import { type Candidate, type FitStar, INLIER, type Report, starsOf, whyRefused } from "../lib/report.ts";
import { empty, loading, problemBox } from "../lib/states.ts";
import { type Column, frame, LocalTable, rowsOf } from "../lib/table.ts";
import { imageOf } from "./image.ts";

const root = byId("report");
const job = new URLSearchParams(location.search).get("job") ?? "";

function fact(term: string, said: Child, small = ""): HTMLElement {
  return h("div", {}, h("dt", {}, term), h("dd", {}, said, small ? h("small", {}, small) : null));
}

function withError(value: Maybe, error: Maybe, decimals: number): string {
  return error === null || error === undefined
    ? fixed(value, decimals)
    : `${fixed(value, decimals)} ± ${fixed(error, decimals)}`;
}

function percent(share: Maybe): string {
  return share === null || share === undefined
    ? "—"
    : `${(100 * share).toFixed(share > 0.995 || share < 0.01 ? 1 : 0)} %`;
}

function result({ calibration, target, request }: Report): HTMLElement {
  const second = calibration.runner_up ? `next ${calibration.runner_up}` : "no other passed";
  return h(
    "dl",
    { class: "facts result" },
    fact(
      target.limit ? "Limit" : "Magnitude",
      magnitude(target.mag, target.mag_err, target.limit),
      calibration.passband,
    ),
    corrected(target, calibration),
    fact("Zero point", withError(calibration.zero_point, calibration.zero_point_err, 3), "magnitudes"),
    fact("Scatter", withError(calibration.scatter, calibration.scatter_err, 3), "magnitudes, beside the terms"),
    fact("Points used", String(calibration.n_matched), "stars"),
    fact("Outlier fraction", fixed(calibration.outlier_fraction, 2)),
    fact(
      "Filter",
      request.forced === null ? "Chosen by the server" : "Forced",
      request.forced ?? `${percent(calibration.confidence)} sure, ${second}`,
    ),
  );
}

/** The magnitude with the colour term, beside the native one; a limit and a report without terms have none. */
function corrected(target: Report["target"], { colour_term: term }: Report["calibration"]): HTMLElement | null {
  if (target.limit || target.corrected_mag === null || target.corrected_mag === undefined || !term) return null;
  const colour = `${term.colour} = ${fixed(target.colour, 2)}`;
  const from = { given: "as given", catalogue: "of the catalogue", field: "unknown: the stars' own" };
  return fact(
    "Colour-corrected",
    magnitude(target.corrected_mag, target.corrected_mag_err ?? null, false),
    target.colour_source ? `${colour}, ${from[target.colour_source]}` : colour,
  );
}

/** What the zero point depends on, and how faint a source would still have been seen. */
function terms({ calibration, target }: Report): readonly (HTMLElement | null)[] {
  const { colour_term: colour, field_term: field } = calibration;
  const taught = colour?.prior.n_frames ? `learned from ${count(colour.prior.n_frames, "frame")} before` : "this frame";
  return [
    colour ? fact("Colour term", withError(colour.value, colour.err, 3), `per mag of ${colour.colour}, ${taught}`) : null,
    field ? fact("Over the field", `${fixed(field.range_mag, 3)} mag`, `of order ${field.order}`) : null,
    target.limit || !target.limit_mag ? null : fact("Limit", fixed(target.limit_mag, 1), `${target.limit_sigmas} sigma`),
  ];
}

function observation(report: Report): HTMLElement {
  const { request, target, offset } = report;
  const sky = Math.hypot(offset.east_arcsec, offset.north_arcsec);
  return h(
    "dl",
    { class: "facts" },
    fact(
      "Middle of the exposure",
      request.mjd === null ? "—" : `${dateOfMjd(request.mjd, true)} UTC`,
      request.mjd === null ? "" : `MJD ${request.mjd.toFixed(5)}`,
    ),
    fact("Event at", `${rightAscension(request.ra_deg)} ${declination(request.dec_deg)}`, "ICRS"),
    fact("Source at", `${fixed(target.sep_arcsec, 2)}″`, `within ${request.matching_radius_arcsec}″ asked for`),
    fact("Offset of the astrometry", `${fixed(sky, 2)}″`, `against ${offset.catalogue || "nothing"}, taken out`),
    request.filter_hint ? fact("Filter in the header", request.filter_hint) : null,
    ...terms(report),
  );
}

/** The candidates; a click on one shows its stars below. */
function candidates(report: Report, show: (candidate: Candidate) => void): HTMLElement {
  const winner = report.calibration.passband;
  const chooser = (candidate: Candidate): HTMLElement =>
    h(
      "button",
      {
        type: "button",
        class: "link",
        "aria-pressed": candidate.passband === winner ? "true" : "false",
        onclick: () => choose(candidate),
      },
      candidate.passband,
    );
  const columns: Column<Candidate>[] = [
    { title: "Filter", cell: chooser },
    { title: "Zero point", look: "n", cell: (each) => withError(each.zero_point, each.zero_point_err, 3) },
    {
      title: "Scatter",
      look: "n",
      cell: (each) => withError((each.native ?? each).scatter, (each.native ?? each).scatter_err, 3),
    },
    { title: "… with terms", look: "n", cell: (each) => (each.native ? fixed(each.scatter, 3) : "—") },
    { title: "Points", look: "n", cell: (each) => each.n_matched },
    { title: "Outliers", look: "n", cell: (each) => fixed(each.outlier_fraction, 2) },
    { title: "Probability", look: "n", cell: (each) => (each.refused === null ? percent(each.probability) : "—") },
    { title: "Verdict", cell: (each) => (each.passband === winner ? "used" : whyRefused(each)) },
  ];
  const rows = rowsOf(columns, report.candidates);
  rows.forEach((row, i) => row.classList.toggle("won", report.candidates[i]?.passband === winner));
  const choose = (candidate: Candidate): void => {
    rows.forEach((row, i) =>
      row.querySelector("button")?.setAttribute("aria-pressed", String(report.candidates[i] === candidate)),
    );
    show(candidate);
  };
  const heads = columns.map((column) =>
    h("th", { scope: "col", role: "columnheader", class: column.look }, column.title),
  );
  return frame(
    "Every filter that was tried; choose one to see its stars",
    heads,
    h("tbody", { role: "rowgroup" }, ...rows),
  );
}

const WIDEST_PLOT = 960;

const STAR_COLUMNS: readonly Column<FitStar>[] = [
  {
    title: "RA, Dec",
    look: "w",
    cell: (star) => `${fixed(star.ra_deg, 6)}, ${fixed(star.dec_deg, 6)}`,
    value: (star) => star.ra_deg ?? 0,
  },
  {
    title: "Instrumental",
    look: "n",
    cell: (star) => withError(star.inst_mag, star.inst_mag_err, 3),
    value: (star) => star.inst_mag ?? 99,
  },
  {
    title: "Catalogue",
    look: "n",
    cell: (star) => withError(star.ref_mag, star.ref_err, 3),
    value: (star) => star.ref_mag,
  },
  { title: "Residual", look: "n", cell: (star) => fixed(star.residual, 3), value: (star) => Math.abs(star.residual) },
  {
    title: "Follows the fit",
    look: "n",
    cell: (star) => h("span", { class: star.inlier < INLIER ? "bad" : null }, percent(star.inlier)),
    value: (star) => star.inlier,
  },
  {
    title: "Separation, ″",
    look: "n",
    cell: (star) => fixed(star.sep_arcsec, 2),
    value: (star) => star.sep_arcsec ?? 0,
  },
  { title: "Flags", look: "n", cell: (star) => star.flags, value: (star) => star.flags },
];

function starsView(report: Report): { element: HTMLElement; show: (candidate: Candidate) => void } {
  const heading = h("h2", { id: "stars" });
  const picture = h("figure");
  const table = new LocalTable<FitStar>(
    "Degrees, ICRS; residual is catalogue − instrumental − zero point",
    "star",
    STAR_COLUMNS,
    20,
  );
  const show = (candidate: Candidate): void => {
    const stars = starsOf(report, candidate);
    const outliers = stars.filter((star) => star.inlier < INLIER).length;
    fill(
      heading,
      `Stars of ${candidate.passband} `,
      h("small", {}, `${count(stars.length, "star")}, ${count(outliers, "outlier")}`),
    );
    fill(
      picture,
      stars.length > 0 &&
        residualPlot(stars, candidate.scatter, candidate.passband, Math.min(root.clientWidth, WIDEST_PLOT)),
      h(
        "figcaption",
        {},
        "Catalogue − instrumental − zero point, in magnitudes. Shaded: the scatter. Hollow: outliers.",
      ),
    );
    table.set(stars);
  };
  return { element: h("section", { "aria-labelledby": "stars" }, heading, picture, table.element), show };
}

/** A figure that the server drew; until it is there, the words for that, if any. */
function drawn(name: string, look: string, alt: string, missing = ""): HTMLElement {
  const source = `/api/calibrations/${encodeURIComponent(job)}/figures/${name}.png`;
  const picture = h("img", { src: source, alt, loading: "lazy" });
  const figure = h("figure", { class: `drawn ${look}` }, h("a", { href: source }, picture));
  picture.addEventListener("error", () => (missing ? fill(figure, empty(missing)) : figure.remove()));
  return figure;
}

function panel(): HTMLElement {
  return drawn(
    "panel",
    "panel",
    "Catalogue minus instrumental magnitude for every filter that was tried",
    "No figure was drawn for this calibration, or not yet.",
  );
}

function residuals(): HTMLElement {
  return drawn(
    "residuals",
    "by-star",
    "Residuals of the stars used: against colour, magnitude and position, and in units of their errors",
  );
}

function provenance(report: Report): HTMLElement {
  const { input, versions } = report;
  const seconds = Object.values(report.seconds).reduce((sum, each) => sum + each, 0);
  const columns = Object.entries(input.columns).map(([ours, theirs]) => `${ours}: ${theirs}`);
  return h(
    "dl",
    { class: "facts" },
    fact("Input", input.format, `${count(input.n_rows, "row")}, ${count(input.n_stars, "usable star")}`),
    fact("Columns", h("span", { class: "mono" }, columns.join(", "))),
    fact("SHA-256 of the file", h("span", { class: "mono digest" }, input.sha256 ?? "—")),
    fact(
      "Made by",
      report.pipeline,
      Object.entries(versions)
        .map((each) => each.join(" "))
        .join(", "),
    ),
    fact("Calibrating took", `${seconds.toFixed(2)} s`),
  );
}

function draw(report: Report): void {
  document.title = `${report.request.name} · calibration report · CPCS`;
  const { element, show } = starsView(report);
  const winner = report.candidates.find((each) => each.passband === report.calibration.passband);
  fill(
    root,
    h("h1", {}, "Calibration report"),
    h(
      "p",
      { class: "lede" },
      h("a", { href: eventPage(report.request.name) }, report.request.name),
      ` · upload ${job}`,
    ),
    result(report),
    ...imageOf(report, job, fact, drawn),
    h("h2", {}, "Observation"),
    observation(report),
    h("h2", {}, "Filters"),
    candidates(report, show),
    panel(),
    element,
    residuals(),
    h("h2", {}, "Provenance"),
    provenance(report),
  );
  if (winner) show(winner);
}

async function load(): Promise<void> {
  if (job === "")
    return fill(
      root,
      h("h1", {}, "Calibration report"),
      empty("No upload was named. ", h("a", { href: "/followups.html" }, "Choose one from the follow-ups")),
    );
  fill(root, h("h1", {}, "Calibration report"), loading("the report"));
  try {
    draw(await get<Report>(`/api/calibrations/${encodeURIComponent(job)}/report`));
  } catch (error) {
    fill(
      root,
      h("h1", {}, "Calibration report"),
      problemBox(asProblem(error), () => void load()),
    );
  }
}

void load();
