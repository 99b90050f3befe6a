/** The light-curve document (`cpcs-lightcurve/1`, columns) as points, in order of time. */

type Column<T> = readonly (T | null)[];

export interface LightCurveDocument {
  readonly schema: string;
  readonly target: {
    readonly name: string;
    readonly ivorn?: string;
    readonly ra_deg?: number;
    readonly dec_deg?: number;
    readonly ra?: number;
    readonly dec?: number;
  };
  readonly columns: {
    readonly id: Column<number>;
    readonly mjd: Column<number>;
    readonly exposure_s: Column<number>;
    readonly mag: Column<number>;
    readonly mag_err: Column<number>;
    readonly calib_err: Column<number>;
    readonly zero_point: Column<number>;
    readonly outlier_fraction: Column<number>;
    readonly n_matched: Column<number>;
    readonly limit: Column<boolean>;
    readonly catalogue: Column<string>;
    readonly filter: Column<string>;
    readonly mode: Column<string>;
    readonly observatory_id: Column<number>;
    readonly observatory: Column<string>;
    readonly job_id?: Column<string>;
  };
  readonly generated_at?: string;
  readonly acknowledgement?: string;
}

export interface CurvePoint {
  readonly id: number;
  readonly mjd: number;
  readonly exposure_s: number | null;
  readonly mag: number;
  readonly mag_err: number | null;
  readonly calib_err: number | null;
  readonly zero_point: number | null;
  readonly outlier_fraction: number | null;
  readonly n_matched: number | null;
  readonly is_limit: boolean;
  readonly passband: string;
  readonly catalogue: string;
  readonly filter: string;
  readonly mode: string;
  readonly observatory_id: number | null;
  readonly observatory: string;
  readonly job_id: string;
}

/** The points that have a time and a magnitude, oldest first. */
export function pointsOf(document: LightCurveDocument): CurvePoint[] {
  const c = document.columns;
  const points: CurvePoint[] = [];
  for (let i = 0; i < c.mjd.length; i++) {
    const mjd = c.mjd[i] ?? null;
    const mag = c.mag[i] ?? null;
    if (mjd === null || mag === null) continue;
    const catalogue = c.catalogue[i] ?? "";
    const filter = c.filter[i] ?? "";
    points.push({
      id: c.id[i] ?? 0,
      mjd,
      exposure_s: c.exposure_s[i] ?? null,
      mag,
      mag_err: c.mag_err[i] ?? null,
      calib_err: c.calib_err[i] ?? null,
      zero_point: c.zero_point[i] ?? null,
      outlier_fraction: c.outlier_fraction[i] ?? null,
      n_matched: c.n_matched[i] ?? null,
      is_limit: c.limit[i] === true,
      passband: `${catalogue}/${filter}`,
      catalogue,
      filter,
      mode: c.mode[i] ?? "",
      observatory_id: c.observatory_id[i] ?? null,
      observatory: c.observatory[i] ?? "",
      job_id: c.job_id?.[i] ?? "",
    });
  }
  return points.sort((a, b) => a.mjd - b.mjd);
}

const BAND_ORDER = "U u B BP g V G r R RP i I z Z Y J H K Ks".split(" ");

function rank(filter: string): number {
  const exact = BAND_ORDER.indexOf(filter);
  if (exact >= 0) return exact;
  const loose = BAND_ORDER.indexOf(filter.charAt(0));
  return loose >= 0 ? loose + 0.5 : BAND_ORDER.length;
}

export interface Band {
  readonly passband: string;
  readonly catalogue: string;
  readonly filter: string;
  readonly n: number;
}

/** The filters that occur, blue to red, then by catalogue. */
export function bandsOf(points: readonly CurvePoint[]): Band[] {
  const found = new Map<string, { catalogue: string; filter: string; n: number }>();
  for (const point of points) {
    const band = found.get(point.passband) ?? { catalogue: point.catalogue, filter: point.filter, n: 0 };
    band.n += 1;
    found.set(point.passband, band);
  }
  return [...found]
    .map(([passband, band]) => ({ passband, ...band }))
    .sort((a, b) => rank(a.filter) - rank(b.filter) || a.passband.localeCompare(b.passband));
}
