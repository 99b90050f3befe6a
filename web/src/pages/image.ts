/** The part of a report that is about the image: around the target, how it was, its files, the other colours. */
import { h } from "../lib/dom.ts";
import { count, fixed, magnitude } from "../lib/format.ts";
import type { OtherColour, Plane, Report } from "../lib/report.ts";

/** A term and what is said of it. */
type Fact = (term: string, said: string, small?: string) => HTMLElement;
/** A figure by its name, its class and its description. */
type Drawn = (name: string, look: string, alt: string) => HTMLElement;

const METHODS = {
  source: "as a source of its own",
  "forced-psf": "at the event's position",
  limit: "nothing there",
};
const WORDS: Readonly<Record<string, string>> = {
  fits: "stars, FITS_LDAC",
  ecsv: "stars, ECSV",
  hdr: "solved header",
};

/** The image, in the order in which an observer looks at it; nothing for a catalogue. */
export function imageOf(report: Report, job: string, fact: Fact, drawn: Drawn): readonly HTMLElement[] {
  const { image } = report;
  if (!image) return [];
  const ending = image.colour ? `-${image.colour}` : "";
  const [rows, columns] = image.shape;
  return [
    h("h2", {}, "Image"),
    drawn(`cutout${ending}`, "of-image", "Around the target: the image, the model of its stars, and what is left"),
    h("dl", { class: "facts" }, ...facts(report, image, fact, `${columns} × ${rows} pixels`)),
    ...others(report.colours ?? []),
    files(report, job),
    h(
      "details",
      {},
      h("summary", {}, "The whole image, its place on the sky, and its point spread function"),
      drawn(`overview${ending}`, "of-image", "The whole image with its stars, and its residuals over their noise"),
      drawn(`astrometry${ending}`, "of-image", "Where its stars were measured, less where the catalogue has them"),
      drawn(`psf${ending}`, "of-image", "The stars that made the point spread function, and how well it fits them"),
    ),
  ];
}

function facts(report: Report, { quality, solution, ...image }: Plane, fact: Fact, size: string): HTMLElement[] {
  const { error_east_arcsec: east, error_north_arcsec: north } = solution;
  const error = east === null || north === null ? null : 1000 * Math.max(east, north);
  const method = METHODS[report.target.method ?? "source"];
  const shown = [
    fact("Target measured", method),
    fact("Stars", fixed(quality["n_stars"], 0), `of S/N 5 and more, on ${size}`),
    fact("Seeing", `${fixed(quality["seeing_arcsec"], 2)}″`, `${fixed(quality["fwhm_pix"], 2)} pixels`),
    fact("Depth", `${fixed(image.depth_mag_5sigma, 2)} mag`, "a lonely star of S/N 5"),
    fact(
      "Place on the sky",
      error === null ? "—" : `± ${fixed(error, 0)} mas`,
      `by ${count(solution.n_used, "star")} of ${solution.catalogue}, ${fixed(solution.scale_arcsec, 4)}″ a pixel`,
    ),
  ];
  if (quality["airmass"]) shown.push(fact("Airmass", fixed(quality["airmass"], 2)));
  return shown;
}

function others(colours: readonly OtherColour[]): HTMLElement[] {
  return colours.map(({ filter, calibration, target, error }) =>
    h(
      "p",
      {},
      h("strong", {}, `${filter}: `),
      calibration && target
        ? `${magnitude(target.mag, target.mag_err, target.limit)} in ${calibration.passband}`
        : (error?.message ?? "not calibrated"),
    ),
  );
}

function files(report: Report, job: string): HTMLElement {
  const planes = [report.image, ...(report.colours ?? []).map((other) => other.image)];
  const names = planes.flatMap((plane) => plane?.files ?? []).filter((name) => !name.includes("/"));
  const links = names.map((name) =>
    h(
      "li",
      {},
      h("a", { href: `/api/calibrations/${encodeURIComponent(job)}/files/${name}`, download: name }, name),
      h("small", {}, ` ${name.startsWith("cutout") ? "cutout around the target" : (WORDS[kind(name)] ?? "")}`),
    ),
  );
  return h("ul", { class: "kept", "aria-label": "Files of the image" }, ...links);
}

function kind(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}
