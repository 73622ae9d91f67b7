/** Reads the one kind of NIfTI-1 the server sends: uncompressed, one channel, RAS, a diagonal affine. */

import type { Grid } from "../geometry/planes.ts";
import type { Mm, Triple } from "../geometry/vector.ts";

export interface Volume extends Grid {
  /** Voxels, R fastest, as stored. */
  data: Int16Array | Uint8Array | Float32Array;
  /** Stored values shown as black and as white. */
  black: number;
  white: number;
}

const HEADER = 348;

export function parse(bytes: ArrayBuffer): Volume {
  const view = new DataView(bytes);
  if (bytes.byteLength < HEADER || view.getInt32(0, true) !== HEADER) throw new Error("this is not a NIfTI-1 file");
  const shape: Triple = [view.getInt16(42, true), view.getInt16(44, true), view.getInt16(46, true)];
  const spacing: Mm = [view.getFloat32(80, true), view.getFloat32(84, true), view.getFloat32(88, true)];
  const start = view.getFloat32(108, true);
  const data = voxels(bytes, view.getInt16(70, true), start, shape[0] * shape[1] * shape[2]);
  const slope = view.getFloat32(112, true) || 1;
  const shift = view.getFloat32(116, true);
  const [high, low] = [view.getFloat32(124, true), view.getFloat32(128, true)];
  const [black, white] = high > low ? [(low - shift) / slope, (high - shift) / slope] : spread(data);
  return { shape, spacing, data, black, white };
}

function voxels(bytes: ArrayBuffer, type: number, start: number, count: number): Volume["data"] {
  if (type === 2) return new Uint8Array(bytes, start, count);
  if (type === 4) return new Int16Array(bytes, start, count);
  if (type === 16) return new Float32Array(bytes, start, count);
  throw new Error(`voxels of NIfTI type ${type} are not read here`);
}

/** The 1st and 99.5th percentile of at most 50,000 voxels. */
export function spread(data: ArrayLike<number>): [number, number] {
  const step = Math.max(1, Math.floor(data.length / 50_000));
  const some: number[] = [];
  for (let at = 0; at < data.length; at += step) some.push(data[at] ?? 0);
  some.sort((a, b) => a - b);
  const low = some[Math.floor(some.length * 0.01)] ?? 0;
  const high = some[Math.floor(some.length * 0.995)] ?? 1;
  return high > low ? [low, high] : [low, low + 1];
}

/** Grey 0 to 255 of every voxel of a coarser copy with at most `most` voxels a side: enough to turn in 3D. */
export function thumbnail(volume: Volume, most: number): { grey: Uint8Array; shape: Triple; spacing: Mm } {
  const every = Math.max(1, Math.ceil(Math.max(...volume.shape) / most));
  const shape = volume.shape.map((n) => Math.ceil(n / every)) as unknown as Triple;
  const grey = new Uint8Array(shape[0] * shape[1] * shape[2]);
  const scale = 255 / (volume.white - volume.black);
  const [nx, ny] = volume.shape;
  let at = 0;
  for (let z = 0; z < shape[2]; z++) {
    for (let y = 0; y < shape[1]; y++) {
      let from = (z * every * ny + y * every) * nx;
      for (let x = 0; x < shape[0]; x++, from += every) {
        grey[at++] = Math.max(0, Math.min(255, ((volume.data[from] ?? 0) - volume.black) * scale));
      }
    }
  }
  return { grey, shape, spacing: volume.spacing.map((mm) => mm * every) as unknown as Mm };
}

/** A NIfTI-1 file of 8-bit voxels, its world the scan's own frame in mm. */
export function file(grey: Uint8Array, shape: Triple, spacing: Mm): ArrayBuffer {
  const bytes = new ArrayBuffer(352 + grey.length);
  const view = new DataView(bytes);
  view.setInt32(0, HEADER, true);
  [3, ...shape, 1, 1, 1, 1].forEach((n, i) => view.setInt16(40 + 2 * i, n, true));
  view.setInt16(70, 2, true);
  view.setInt16(72, 8, true);
  [1, ...spacing].forEach((mm, i) => view.setFloat32(76 + 4 * i, mm, true));
  view.setFloat32(108, 352, true);
  view.setFloat32(112, 1, true);
  view.setFloat32(124, 255, true);
  view.setUint8(123, 2); // mm
  view.setInt16(254, 1, true); // the affine below says where voxels lie
  spacing.forEach((mm, axis) => view.setFloat32(280 + 20 * axis, mm, true));
  view.setUint32(344, 0x6e2b3100); // "n+1\0"
  new Uint8Array(bytes, 352).set(grey);
  return bytes;
}
