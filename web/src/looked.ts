/** Reading one answer of the model: what its tasks say, a pair's displacement, a path half-way. */

import { signal } from "@preact/signals";
import { norm } from "./geometry/vector.ts";
import type { ChunkSimilarity, LookResponse, Metric, Path, TaskAnswer, Value } from "./api-types.ts";
import type { Mm } from "./geometry/vector.ts";
import type { Pair } from "./link.ts";

/** What a task may say of views; the page draws each kind and knows no task. */
export type Kind = "displacements" | "chunk_pairs" | "paths" | "points";
export type Saying<K extends Kind> = TaskAnswer & { readonly [Each in K]: NonNullable<TaskAnswer[K]> };

/** Of tasks that say the same kind of thing, the one to show, by name. */
export const preferred = signal<Partial<Record<Kind, string>>>({});

export function tasksOf<K extends Kind>(look: LookResponse | null, kind: K): Saying<K>[] {
  return (look?.tasks ?? []).filter((each): each is Saying<K> => each[kind] !== null);
}

export function taskOf<K extends Kind>(look: LookResponse | null, kind: K): Saying<K> | null {
  const all = tasksOf(look, kind);
  return all.find((each) => each.task.name === preferred.value[kind]) ?? all[0] ?? null;
}

/** The figure that speaks for a task. */
export function judgedOf({ task, measures }: TaskAnswer): { metric: Metric; value: Value } | null {
  const [metric, value] = [task.metrics.find((each) => each.name === task.judged), measures[task.judged]];
  return metric && value ? { metric, value } : null;
}

/** The figure that speaks for the whole answer. */
export function headlineOf(look: LookResponse | null): { metric: Metric; value: Value } | null {
  const task = look?.tasks.find((each) => each.task.name === look.judged);
  return task ? judgedOf(task) : null;
}

export interface PairGap {
  true: Mm;
  predicted: Mm;
  scale: Mm | null;
  error_mm: number;
}

export function pairOf(look: LookResponse, [i, j]: Pair): PairGap | null {
  const found = taskOf(look, "displacements")?.displacements;
  const [truth, predicted, error] = [found?.true[i]?.[j], found?.predicted[i]?.[j], found?.error_mm[i]?.[j]];
  if (!truth || !predicted || error === null || error === undefined) return null;
  return { true: truth, predicted, scale: found?.scale?.[i]?.[j] ?? null, error_mm: error };
}

export type SizedChunks = ChunkSimilarity & { readonly size: number };

export function chunksOf(look: LookResponse | null, pair: Pair): SizedChunks | null {
  const chunks = taskOf(look, "chunk_pairs")?.chunk_pairs;
  const is = (i: number, j: number) => (each: ChunkSimilarity) => each.i === i && each.j === j;
  const found = chunks?.pairs.find(is(pair[0], pair[1])) ?? chunks?.pairs.find(is(pair[1], pair[0]));
  return chunks && found ? { ...found, size: chunks.chunk_mm } : null;
}

/** What a table of displacements shows: lengths, or one axis with its sign. */
export type Quantity = "distance" | 0 | 1 | 2;

export function quantityOf(gap: Mm, quantity: Quantity): number {
  return quantity === "distance" ? norm(gap) : gap[quantity];
}

/** The largest size among true and predicted gaps: both tables share one colour scale. */
export function largest(look: LookResponse, quantity: Quantity): number {
  let most = 1;
  look.centres_mm.forEach((_, i) =>
    look.centres_mm.forEach((__, j) => {
      const gap = pairOf(look, [i, j]);
      if (gap) most = Math.max(most, ...[gap.true, gap.predicted].map((g) => Math.abs(quantityOf(g, quantity))));
    }),
  );
  return most;
}

/** A path played up to its step `done`: the places reached so far, believed and true. */
export interface Leg {
  done: number;
  predicted: Mm[];
  true: Mm[];
}

export function legOf(look: LookResponse, route: Path, done: number): Leg {
  const upTo = Math.min(done, route.path.length - 1);
  return {
    done: upTo,
    predicted: route.waypoints_predicted.slice(0, upTo + 1).filter((place) => place !== null),
    true: route.path
      .slice(0, upTo + 1)
      .map((view) => look.centres_mm[view])
      .filter((place) => place !== undefined),
  };
}
