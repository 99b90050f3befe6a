/** The report of a calibration (`cpcs-report/1`), as far as the site reads it. */

type Column<T> = readonly (T | null)[];

export interface Fit {
  readonly passband: string;
  readonly zero_point: number | null;
  readonly zero_point_err: number | null;
  readonly scatter: number | null;
  readonly scatter_err: number | null;
  readonly outlier_fraction: number | null;
  readonly n_matched: number;
  /** The fit of one zero point for all stars; absent in reports from before there were colour and field terms. */
  readonly native?: { readonly scatter: number | null; readonly scatter_err: number | null };
  readonly colour_term?: {
    readonly colour: string;
    readonly value: number | null;
    readonly err: number | null;
    readonly reference_colour: number | null;
    readonly prior: { readonly n_frames: number };
  } | null;
  readonly field_term?: { readonly order: number; readonly range_mag: number | null } | null;
}

export interface Candidate extends Fit {
  readonly probability: number | null;
  readonly confidence: number | null;
  readonly refused: string | null;
  readonly photographic: boolean;
  readonly stars: {
    readonly star: readonly number[];
    readonly ref_mag: Column<number>;
    readonly ref_err: Column<number>;
    readonly residual: Column<number>;
    readonly inlier_probability: Column<number>;
    readonly sep_arcsec: Column<number>;
  };
}

/** What was measured on an image, or on one colour of it. */
export interface Plane {
  readonly colour: string;
  readonly filter: string;
  readonly shape: readonly number[];
  readonly quality: Readonly<Record<string, number | null>>;
  readonly solution: {
    readonly scale_arcsec: number;
    readonly order: number;
    readonly catalogue: string;
    readonly n_used: number;
    readonly rms_east_arcsec: number | null;
    readonly rms_north_arcsec: number | null;
    readonly error_east_arcsec: number | null;
    readonly error_north_arcsec: number | null;
  };
  readonly depth_mag_5sigma: number | null;
  readonly files: readonly string[];
}

/** Another colour of a one-shot-colour camera. */
export interface OtherColour {
  readonly filter: string;
  readonly error: { readonly message: string } | null;
  readonly target: { readonly mag: number | null; readonly mag_err: number | null; readonly limit: boolean } | null;
  readonly calibration: { readonly passband: string } | null;
  readonly image: Plane;
}

export interface Report {
  readonly schema: string;
  readonly job_id: string | null;
  readonly revision: number | null;
  readonly pipeline: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly input: {
    readonly sha256: string | null;
    readonly format: string;
    readonly n_rows: number;
    readonly n_stars: number;
    readonly columns: Readonly<Record<string, string>>;
  };
  readonly request: {
    readonly name: string;
    readonly ra_deg: number;
    readonly dec_deg: number;
    readonly mjd: number | null;
    readonly matching_radius_arcsec: number;
    readonly forced: string | null;
    readonly filter_hint: string;
  };
  readonly target: {
    readonly ra_deg: number;
    readonly dec_deg: number;
    readonly mag: number | null;
    readonly mag_err: number | null;
    readonly limit: boolean;
    readonly inst_mag: number | null;
    readonly method?: "source" | "forced-psf" | "limit";
    readonly sep_arcsec: number | null;
    readonly corrected_mag?: number | null;
    readonly corrected_mag_err?: number | null;
    readonly colour?: number | null;
    readonly colour_source?: "given" | "catalogue" | "field" | null;
    readonly limit_mag?: number | null;
    readonly limit_sigmas?: number;
  };
  /** Absent in reports from before images were measured, null for a catalogue. */
  readonly image?: Plane | null;
  readonly colours?: readonly OtherColour[];
  readonly calibration: Fit & {
    readonly mode: string;
    readonly confidence: number | null;
    readonly runner_up: string | null;
  };
  readonly candidates: readonly Candidate[];
  readonly offset: { readonly east_arcsec: number; readonly north_arcsec: number; readonly catalogue: string };
  readonly stars: {
    readonly ra_deg: Column<number>;
    readonly dec_deg: Column<number>;
    readonly inst_mag: Column<number>;
    readonly inst_mag_err: Column<number>;
    readonly flags: Column<number>;
  };
  readonly seconds: Readonly<Record<string, number>>;
}

/** One star of a fit, everything known about it in one place. */
export interface FitStar {
  readonly ra_deg: number | null;
  readonly dec_deg: number | null;
  readonly ref_mag: number;
  readonly ref_err: number | null;
  readonly inst_mag: number | null;
  readonly inst_mag_err: number | null;
  readonly residual: number;
  readonly inlier: number;
  readonly sep_arcsec: number | null;
  readonly flags: number;
}

/** Below this probability of following the fit a star is marked as an outlier. */
export const INLIER = 0.5;

/** The stars of one candidate, largest residual first. */
export function starsOf(report: Report, candidate: Candidate): FitStar[] {
  const { stars: used } = candidate;
  const all = report.stars;
  const stars: FitStar[] = [];
  used.star.forEach((row, i) => {
    const [ref, residual] = [used.ref_mag[i] ?? null, used.residual[i] ?? null];
    if (ref === null || residual === null) return;
    stars.push({
      ra_deg: all.ra_deg[row] ?? null,
      dec_deg: all.dec_deg[row] ?? null,
      ref_mag: ref,
      ref_err: used.ref_err[i] ?? null,
      inst_mag: all.inst_mag[row] ?? null,
      inst_mag_err: all.inst_mag_err[row] ?? null,
      residual,
      inlier: used.inlier_probability[i] ?? 0,
      sep_arcsec: used.sep_arcsec[i] ?? null,
      flags: all.flags[row] ?? 0,
    });
  });
  return stars.sort((a, b) => Math.abs(b.residual) - Math.abs(a.residual));
}

const REFUSED: Readonly<Record<string, string>> = {
  "few-stars": "too few stars",
  outliers: "too many outliers",
  scatter: "too much scatter",
  photographic: "photographic plates",
};

/** Why a candidate cannot win, in words. */
export function whyRefused(candidate: Candidate): string {
  return candidate.refused === null ? "" : (REFUSED[candidate.refused] ?? candidate.refused);
}
