/** The shapes of the server's JSON, as far as the site reads them. */

export interface Page<T> {
  readonly items: readonly T[];
  readonly cursor: string | null;
  readonly generated_at?: string;
}

export interface SkyEvent {
  readonly event_id: number;
  readonly name: string;
  readonly ivorn: string;
  readonly ra_deg: number;
  readonly dec_deg: number;
  readonly published: string;
  readonly url: string;
  readonly comment: string;
  readonly n_followups: number;
}

export interface Point {
  readonly followup_id: number;
  readonly event_name: string;
  readonly observatory_id: number;
  readonly observatory: string;
  readonly mjd: number;
  readonly exposure_s: number | null;
  readonly mag: number;
  readonly mag_err: number | null;
  readonly is_limit: boolean;
  readonly calib_err: number;
  readonly zero_point: number;
  readonly zero_point_err: number;
  readonly scatter: number;
  readonly outlier_fraction: number;
  readonly n_matched: number;
  readonly catalogue: string;
  readonly filter: string;
  readonly mode: string;
  readonly calibrated_at: string;
  readonly job_id: string;
}

export interface Observatory {
  readonly observatory_id: number;
  readonly name: string;
  readonly longitude_deg: number | null;
  readonly latitude_deg: number | null;
  readonly altitude_m: number | null;
  readonly n_observations: number;
}

export interface Told {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

export type JobState =
  "CREATED" | "UPLOADED" | "CALIBRATING" | "WAITING_REFERENCE" | "DONE" | "REJECTED" | "FAILED" | "DELETED";

/** What became of an upload: the fields of its point, and what else there is to say. */
export interface Outcome extends Partial<Point> {
  readonly existing_id?: number | null;
  readonly seconds?: Readonly<Record<string, number>>;
  readonly summary?: Readonly<Record<string, unknown>>;
}

export interface Job {
  readonly job_id: string;
  readonly event: string;
  readonly state: JobState;
  readonly error: Told | null;
  readonly outcome: Outcome | null;
  /** How far a calibration is that takes long. */
  readonly progress?: { readonly step: string; readonly share: number } | null;
  readonly figures: { readonly panel?: string; readonly residuals?: string; readonly lightcurve?: string };
  readonly report: string | null;
}

export interface Created {
  readonly job_id: string;
  readonly upload: {
    readonly url: string;
    readonly fields: Readonly<Record<string, string>>;
    readonly max_bytes: number;
  };
}

export interface Me {
  readonly key_id: string;
  readonly role: string;
  readonly observatory: Observatory | null;
}

/** Whether a job will change no more by itself. */
export function isTerminal(state: JobState): boolean {
  return state === "DONE" || state === "REJECTED" || state === "FAILED" || state === "DELETED";
}
