/** Reading one answer of the model: a pair's gap, a route half-way. */

import { norm } from "./geometry/vector.ts";
import type { ChunkSimilarity, Direction, LookResponse, Route } from "./api-types.ts";
import type { Mm } from "./geometry/vector.ts";
import type { Pair } from "./link.ts";

export interface PairGap {
  true: Mm;
  predicted: Mm;
  scale: Mm | null;
  error_mm: number;
}

export function pairOf(look: LookResponse, [i, j]: Pair): PairGap | null {
  const gap = look.gap;
  const [truth, predicted, error] = [gap?.true[i]?.[j], gap?.predicted[i]?.[j], gap?.error_mm[i]?.[j]];
  if (!truth || !predicted || error === null || error === undefined) return null;
  return { true: truth, predicted, scale: gap?.scale?.[i]?.[j] ?? null, error_mm: error };
}

export function directionOf(look: LookResponse, [i, j]: Pair): Direction | null {
  return look.directions?.find((d) => d.i === i && d.j === j) ?? null;
}

export function chunksOf(look: LookResponse, pair: Pair): ChunkSimilarity | null {
  const found = look.adjacency?.find((a) => a.i === pair[0] && a.j === pair[1]);
  return found ?? look.adjacency?.find((a) => a.i === pair[1] && a.j === pair[0]) ?? null;
}

/** What a table of the gap matrix shows: lengths, or one axis with its sign. */
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

/** A route played up to its step `done`: the places reached so far, believed and true. */
export interface Leg {
  done: number;
  predicted: Mm[];
  true: Mm[];
}

export function legOf(look: LookResponse, route: Route, done: number): Leg {
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
