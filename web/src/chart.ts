/** The little geometry of a line chart: scales, round ticks, a path. */

import type { Curve } from "./api-types.ts";

export interface Span {
  low: number;
  high: number;
}

/** Round values inside `span`, about `wanted` of them. */
export function ticks({ low, high }: Span, wanted: number): number[] {
  const raw = (high - low) / Math.max(1, wanted);
  if (!(raw > 0) || !Number.isFinite(raw)) return [low];
  const power = 10 ** Math.floor(Math.log10(raw));
  const unit = raw / power;
  const step = power * (unit <= 1 ? 1 : unit <= 2 ? 2 : unit <= 5 ? 5 : 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, n) => Number(((first + n) * step).toPrecision(12)));
}

/** The upper end of an axis that holds every value of `curves`, and chance. */
export function highest(curves: readonly Curve[]): number {
  const values = curves.flatMap((curve) =>
    [...curve.points, ...curve.train].map(([, value]) => value).concat(curve.chance ?? 0),
  );
  return 1.05 * values.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, value) : most), 1e-9);
}

export const scale =
  ({ low, high }: Span, length: number) =>
  (value: number): number =>
    high > low ? ((value - low) / (high - low)) * length : length / 2;

export function line(
  points: readonly (readonly [number, number])[],
  x: (v: number) => number,
  y: (v: number) => number,
): string {
  const finite = points.filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b));
  return finite.map(([a, b], n) => `${n ? "L" : "M"}${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join("");
}

/** The kept step a model stands at when the slider says `step`: the last one kept by then, else the first. */
export function nearestKept(kept: readonly number[], step: number): number | null {
  const before = kept.filter((each) => each <= step);
  return before.at(-1) ?? kept[0] ?? null;
}
