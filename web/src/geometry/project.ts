/** From mm to the pixels of the 3D picture. */

import type { Mm } from "./vector.ts";

/** A 4x4 matrix in column order, mm to clip space. */
export type Matrix = ArrayLike<number>;

/** Where `place` appears on a canvas of `width` x `height`, from the top left. */
export function project(matrix: Matrix, place: Mm, width: number, height: number): { x: number; y: number } {
  const row = (r: number): number =>
    (matrix[r] ?? 0) * place[0] +
    (matrix[r + 4] ?? 0) * place[1] +
    (matrix[r + 8] ?? 0) * place[2] +
    (matrix[r + 12] ?? 0);
  const w = row(3) || 1;
  return { x: ((row(0) / w + 1) / 2) * width, y: ((1 - row(1) / w) / 2) * height };
}
