/** One slice of a scan as grey pixels. */

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
