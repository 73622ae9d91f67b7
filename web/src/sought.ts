/** The point that is looked for in another body: where it is, and where the model finds it. */

import { computed, signal } from "@preact/signals";
import * as api from "./api.ts";
import { gridOf } from "./actions.ts";
import { settle } from "./geometry/boxes.ts";
import { on, same } from "./geometry/vector.ts";
import { Newest } from "./newest.ts";
import { change, run, scan, state } from "./state.ts";
import type { WhereRequest, WhereResponse } from "./api-types.ts";
import type { Mm } from "./geometry/vector.ts";

/** What is done once for two scans, in turn, before any point of theirs is answered in milliseconds. */
export const STAGES = [
  "The model looks at the scan the point is in",
  "The model looks at the other scan",
  "The two are held against each other, there and back",
] as const;
/** The stage that the server is at; null where nothing has to be done first. */
export const stage = signal<number | null>(null);

/** Pairs of scans that were held against each other. */
const held = new Set<string>();
const pairOf = ({ run, step, scan, target }: WhereRequest): string => JSON.stringify([run, step, scan, target]);

async function locate(question: WhereRequest): Promise<WhereResponse> {
  const { scan, target, point_mm: _, ...model } = question;
  try {
    if (!held.has(pairOf(question))) {
      for (const [number, id] of [scan, target].entries()) {
        stage.value = number;
        await api.prepare({ ...model, scan: id });
      }
      stage.value = 2;
    }
    const answer = await api.where(question);
    held.add(pairOf(question));
    return answer;
  } finally {
    stage.value = null;
  }
}

/** While a point is dragged, the answers on its way are worth seeing. */
export const asked = new Newest<WhereRequest, WhereResponse>(locate, (a, b) => pairOf(a) === pairOf(b), 256);

/** What is asked now; null where there is no other scan. */
export const question = computed<WhereRequest | null>(() => {
  const [current, place, { scan, target, step }] = [run.value, point.value, state.value];
  if (!current || !place || !scan || !target || scan === target) return null;
  return { run: current.key, step: step ?? current.best_step, scan, point_mm: place, target };
});

/** The answer about the two scans that are shown. */
export const answer = computed<WhereResponse | null>(() => {
  const [shown, wanted] = [asked.shown.value, question.value];
  return shown && wanted && pairOf(shown.question) === pairOf(wanted) ? shown.answer : null;
});
/** The slices shown of the other scan: those through the answer, until somebody scrolls. */
export const there = signal<Mm | null>(null);

const settled = (place: Mm): Mm | null => {
  const grid = scan.value ? gridOf(scan.value) : null;
  return grid ? settle(grid, on(grid.spacing, 0), place) : null;
};

/** The middle of a voxel. */
export const point = computed<Mm | null>(() => settled(state.value.point ?? state.value.centres[0] ?? [0, 0, 0]));

/** Asks for another point, and shows the slices through it. */
export function movePoint(place: Mm): void {
  const moved = settled(place);
  if (!moved) return;
  if (!point.peek() || !same(moved, point.peek() as Mm)) change({ point: moved });
  change({ at: moved });
}
