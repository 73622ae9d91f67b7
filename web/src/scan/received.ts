/** A scan with views laid into it as the model received them. */

import { on } from "../geometry/vector.ts";
import type { Mm, Triple } from "../geometry/vector.ts";
import type { Volume } from "./nifti.ts";

interface Views {
  centres_mm: readonly Mm[];
  view_mm: number;
  /** A cube of grey levels of each view, R fastest, in base64. */
  images: string;
}

/**
 * The scan, each view's voxels in their places; where views overlap, `top` lies over the others.
 *
 * Outside the views its grey levels are kept to the share `rest`.
 */
export function received(volume: Volume, views: Views, top: number | null, rest = 1): Volume {
  const { shape, spacing, black, white } = volume;
  const greys = Uint8Array.from(atob(views.images), (letter) => letter.charCodeAt(0));
  const size = Math.round(views.view_mm / on(spacing, 0));
  // In floats, so that every grey level comes back as it was.
  const data = new Float32Array(volume.data);
  if (rest < 1) data.forEach((value, at) => (data[at] = black + (value - black) * rest));
  const order = views.centres_mm.map((_, view) => view).sort((a, b) => Number(a === top) - Number(b === top));
  for (const view of order) {
    const centre = views.centres_mm[view] as Mm;
    const [r, a, s] = centre.map((mm, axis) =>
      Math.round(mm / on(spacing, axis) - (size - 1) / 2),
    ) as unknown as Triple;
    let from = view * size ** 3;
    for (let z = 0; z < size; z++) {
      for (let y = 0; y < size; y++) {
        const to = ((s + z) * shape[1] + a + y) * shape[0] + r;
        for (let x = 0; x < size; x++) data[to + x] = black + ((greys[from++] ?? 0) / 255) * (white - black);
      }
    }
  }
  return { ...volume, data };
}
