/** Boxes of views and chunks: where they may lie and what of them a plane shows. */

import type { Mm } from "./vector.ts";
import { toPicture, type Frame, type Grid } from "./planes.ts";
import { on } from "./vector.ts";

export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The nearest centre at which a box of `size` mm lies inside the scan, on the grid of whole voxels. */
export function settle(grid: Grid, size: number, centre: Mm): Mm {
  const axis = (a: 0 | 1 | 2): number => {
    const spacing = on(grid.spacing, a);
    const voxels = Math.round(size / spacing);
    const most = Math.max(0, on(grid.shape, a) - voxels);
    const half = (voxels - 1) / 2;
    const low = Math.min(most, Math.max(0, Math.round(centre[a] / spacing - half)));
    return (low + half) * spacing;
  };
  return [axis(0), axis(1), axis(2)];
}

/** The box of `size` mm around `centre`, as a rectangle of the picture. */
export function rectangle(frame: Frame, centre: Mm, size: number): Rectangle {
  const { x, y } = toPicture(frame, centre);
  return { x: x - size / 2, y: y - size / 2, width: size, height: size };
}

/** Does the slice at `slice` cut the box? */
export function cuts(frame: Frame, centre: Mm, size: number, slice: Mm): boolean {
  const { through } = frame.plane;
  return Math.abs(on(centre, through) - on(slice, through)) <= size / 2;
}

/** The twelve edges of a box, as pairs of corners in mm. */
export function edges(centre: Mm, size: number): [Mm, Mm][] {
  const half = size / 2;
  const corner = (bits: number): Mm => [
    centre[0] + (bits & 1 ? half : -half),
    centre[1] + (bits & 2 ? half : -half),
    centre[2] + (bits & 4 ? half : -half),
  ];
  const all: [Mm, Mm][] = [];
  for (let from = 0; from < 8; from++) {
    for (const bit of [1, 2, 4]) if (!(from & bit)) all.push([corner(from), corner(from | bit)]);
  }
  return all;
}

/** A Laplace interval of probability `p` reaches this many scales to either side. */
export function laplaceReach(p: number): number {
  return -Math.log(1 - p);
}
