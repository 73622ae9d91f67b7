/** One slice of a scan as grey pixels, and one of a heat map as coloured ones. */

import { blend } from "../colours.ts";
import { voxelOf, type Frame } from "../geometry/planes.ts";
import { on } from "../geometry/vector.ts";
import type { Mm, Triple } from "../geometry/vector.ts";
import type { Volume } from "./nifti.ts";

export interface Pixels {
  width: number;
  height: number;
  rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** How far to go in the voxels for one step along each axis. */
function strides(shape: Triple): Triple {
  return [1, shape[0], shape[0] * shape[1]];
}

/** The slice through `at`, a pixel a voxel, upright as `frame` says. */
export function grey(volume: Volume, frame: Frame, at: Mm): Pixels {
  const { across, up, through } = frame.plane;
  const stride = strides(volume.shape);
  const [width, height] = [on(volume.shape, across), on(volume.shape, up)];
  const base = voxelOf(volume, through, on(at, through)) * on(stride, through);
  const rgba = new Uint8ClampedArray(width * height * 4);
  const scale = 255 / (volume.white - volume.black);
  for (let y = 0, pixel = 0; y < height; y++) {
    const row = base + (height - 1 - y) * on(stride, up);
    for (let x = 0; x < width; x++, pixel += 4) {
      const voxel = row + (frame.mirrored ? width - 1 - x : x) * on(stride, across);
      const value = ((volume.data[voxel] ?? 0) - volume.black) * scale;
      rgba[pixel] = rgba[pixel + 1] = rgba[pixel + 2] = value;
      rgba[pixel + 3] = 255;
    }
  }
  return { width, height, rgba };
}

const HEAT = ["#3b0f70", "#8c2981", "#de4968", "#fe9f6d", "#fcfdbf"] as const;

export interface Heat {
  shape: Triple;
  grid_mm: Mm;
  origin_mm: Mm;
  /** 0 to 1, the last axis fastest. */
  heat: readonly number[];
}

/** Value of the heat map at `place`, linear between its cells; 0 outside. */
export function heatAt(map: Heat, place: Mm): number {
  const cell = place.map((mm, axis) => (mm - on(map.origin_mm, axis)) / on(map.grid_mm, axis)) as unknown as Mm;
  const low = cell.map(Math.floor) as unknown as Mm;
  let sum = 0;
  for (let corner = 0; corner < 8; corner++) {
    let weight = 1;
    let index = 0;
    for (let axis = 0; axis < 3; axis++) {
      const up = (corner >> axis) & 1;
      const i = on(low, axis) + up;
      const share = on(cell, axis) - on(low, axis);
      if (i < 0 || i >= on(map.shape, axis)) weight = 0;
      weight *= up ? share : 1 - share;
      index = index * on(map.shape, axis) + i;
    }
    if (weight > 0) sum += weight * (map.heat[index] ?? 0);
  }
  return sum;
}

/** The heat map on the slice through `at`; brighter and less transparent where the model believes more. */
export function heated(map: Heat, frame: Frame, at: Mm): Pixels {
  const { across, up, through } = frame.plane;
  const { shape, spacing } = frame.grid;
  const [width, height] = [on(shape, across), on(shape, up)];
  const rgba = new Uint8ClampedArray(width * height * 4);
  const place: [number, number, number] = [at[0], at[1], at[2]];
  place[through] = on(at, through);
  for (let y = 0, pixel = 0; y < height; y++) {
    place[up] = (height - 1 - y) * on(spacing, up);
    for (let x = 0; x < width; x++, pixel += 4) {
      place[across] = (frame.mirrored ? width - 1 - x : x) * on(spacing, across);
      const value = heatAt(map, place);
      const [r, g, b] = blend(HEAT, value);
      rgba[pixel] = r;
      rgba[pixel + 1] = g;
      rgba[pixel + 2] = b;
      rgba[pixel + 3] = 230 * Math.min(1, Math.max(0, 1.7 * (value - 0.02)));
    }
  }
  return { width, height, rgba };
}

export const HEAT_COLOURS: readonly string[] = HEAT;
