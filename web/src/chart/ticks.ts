/** Where a time axis is marked: on calendar boundaries above, on round MJD below. */
import { mjdOfUnix, unixOfMjd } from "../lib/format.ts";

export interface Tick {
  readonly mjd: number;
  readonly label: string;
}

const DAY_STEPS = [1 / 24, 1 / 12, 1 / 8, 1 / 4, 1 / 2, 1, 2, 5, 10] as const;
const MONTH_STEPS = [1, 3, 6, 12, 24, 60, 120, 240] as const;
const DAYS_PER_MONTH = 30.44;

/** At most about `most` calendar ticks between two MJD; hours, days, months or years, as the span wants. */
export function calendarTicks(from: number, to: number, most: number): Tick[] {
  const span = to - from;
  if (!(span > 0) || most < 1) return [];
  const days = DAY_STEPS.find((step) => span / step <= most);
  return days === undefined ? monthTicks(from, to, most) : dayTicks(from, to, days);
}

function dayTicks(from: number, to: number, step: number): Tick[] {
  const ticks: Tick[] = [];
  for (let k = Math.ceil(from / step - 1e-9); k * step <= to; k++) {
    const iso = new Date(unixOfMjd(k * step)).toISOString();
    ticks.push({ mjd: k * step, label: step < 1 ? `${iso.slice(5, 10)} ${iso.slice(11, 16)}` : iso.slice(0, 10) });
  }
  return ticks;
}

function monthTicks(from: number, to: number, most: number): Tick[] {
  const months = (to - from) / DAYS_PER_MONTH;
  const step = MONTH_STEPS.find((each) => months / each <= most) ?? 600;
  const start = new Date(unixOfMjd(from));
  const first = Math.floor((start.getUTCFullYear() * 12 + start.getUTCMonth()) / step) * step;
  const ticks: Tick[] = [];
  for (let month = first; ; month += step) {
    const ms = Date.UTC(Math.floor(month / 12), month % 12, 1);
    const mjd = mjdOfUnix(ms);
    if (mjd > to) return ticks;
    if (mjd >= from) ticks.push({ mjd, label: new Date(ms).toISOString().slice(0, step >= 12 ? 4 : 7) });
  }
}
