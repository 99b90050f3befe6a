/** Where an axis of plain numbers is marked. */
import { fixed } from "../lib/format.ts";

/** Round numbers between two values, at most about `most` of them. */
export function numberTicks(from: number, to: number, most: number): { value: number; label: string }[] {
  const rough = (to - from) / most;
  if (!(rough > 0)) return [];
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((each) => each * size >= rough * (1 - 1e-9)) ?? 10) * size;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks: { value: number; label: string }[] = [];
  for (let k = Math.ceil(from / step); k * step <= to; k++) {
    ticks.push({ value: k * step, label: fixed(Math.abs(k) < 1e-9 ? 0 : k * step, decimals) });
  }
  return ticks;
}
