/** The piece that is looked for in another body: where it was cut, and the model's answer. */

import { computed, signal } from "@preact/signals";
import * as api from "./api.ts";
import { gridOf } from "./actions.ts";
import { settle } from "./geometry/boxes.ts";
import { same } from "./geometry/vector.ts";
import { Newest } from "./newest.ts";
import { change, run, scan, state } from "./state.ts";
import type { WhereRequest, WhereResponse } from "./api-types.ts";
import type { Mm } from "./geometry/vector.ts";

export const asked = new Newest<WhereRequest, WhereResponse>(api.where, () => false, 32);
/** The slices shown of the other scan: the peak, until somebody scrolls. */
export const there = signal<Mm | null>(null);

export const crop = computed<Mm | null>(() => {
  const [current, size] = [scan.value, run.value?.view_mm];
  if (!current || !size) return null;
  return settle(gridOf(current), size, state.value.crop ?? state.value.centres[0] ?? [0, 0, 0]);
});

/** Cuts the piece elsewhere, and shows the slices through its middle. */
export function moveCrop(place: Mm): void {
  const [current, size] = [scan.peek(), run.peek()?.view_mm];
  if (!current || !size) return;
  const settled = settle(gridOf(current), size, place);
  if (!crop.peek() || !same(settled, crop.peek() as Mm)) change({ crop: settled });
  change({ at: settled });
}
