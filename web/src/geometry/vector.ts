/** Vectors of mm: the few sums the page does itself. */

/** One number for each of R, A and S: a count of voxels, or (as `Mm`) a place or a way in mm. */
export type Triple = readonly [number, number, number];
export type Mm = Triple;

export const add = (a: Mm, b: Mm): Mm => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
export const minus = (a: Mm, b: Mm): Mm => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const norm = (a: Mm): number => Math.hypot(a[0], a[1], a[2]);
export const same = (a: Mm, b: Mm): boolean => a.every((value, axis) => Math.abs(value - (b[axis] ?? NaN)) < 1e-6);

/** Angle between two ways in degrees; null where one of them leads nowhere. */
export function angle(a: Mm, b: Mm): number | null {
  const both = norm(a) * norm(b);
  const cosine = (a[0] * b[0] + a[1] * b[1] + a[2] * b[2]) / both;
  return both > 0 ? (Math.acos(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI : null;
}

/** `a` with its component along `axis` replaced. */
export function along(a: Mm, axis: number, value: number): Mm {
  return [axis === 0 ? value : a[0], axis === 1 ? value : a[1], axis === 2 ? value : a[2]];
}

/** Component `axis` (0 R, 1 A, 2 S) of `a`. */
export function on(a: Mm, axis: number): number {
  return a[axis === 0 ? 0 : axis === 1 ? 1 : 2];
}
