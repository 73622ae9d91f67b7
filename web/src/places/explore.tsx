/** Explore: views in a scan on the left, what the model makes of them on the right. */

import type { JSX } from "preact";
import { choosePair } from "../actions.ts";
import { steps } from "../format.ts";
import { ChunksPanel } from "../panels/chunks.tsx";
import { GapPanel } from "../panels/matrix.tsx";
import { PairPanel } from "../panels/pair.tsx";
import { Planes } from "../panels/planes.tsx";
import { PositionPanel } from "../panels/position.tsx";
import { RoutesPanel } from "../panels/routes.tsx";
import { SpoilPanel } from "../panels/spoil.tsx";
import { Pickers, Views } from "../panels/views.tsx";
import { Key } from "../parts/key.tsx";
import { Problem } from "../parts/problem.tsx";
import { look, lookError, pair, volume, waiting } from "../state.ts";
import type { LookResponse } from "../api-types.ts";

export function Explore(): JSX.Element {
  const answer = look.value;
  return (
    <div class="explore">
      <div class="left">
        <Pickers />
        {volume.value ? <Planes volume={volume.value} /> : <p class="loading">Opening the scan …</p>}
        <Views />
        <Key />
      </div>
      <div class="right" data-tour="numbers" aria-busy={waiting.value}>
        {lookError.value ? <Problem error={lookError.value} /> : null}
        {answer ? (
          <>
            <GapPanel look={answer} pair={pair.value} onPick={choosePair} />
            {pair.value ? <PairPanel look={answer} pair={pair.value} /> : null}
            <SpoilPanel />
            <ChunksPanel look={answer} pair={pair.value} onPick={choosePair} />
            <RoutesPanel answer={answer} />
            <PositionPanel look={answer} />
            <Untrained answer={answer} />
            <p class="quiet small">
              Answered in {Math.round(answer.milliseconds)} ms by the model at {steps(answer.step ?? 0)}.
            </p>
          </>
        ) : lookError.value ? null : (
          <p class="loading">Asking the model …</p>
        )}
      </div>
    </div>
  );
}

/** What this run was not trained to say, so that nobody looks for it. */
function Untrained({ answer }: { answer: LookResponse }): JSX.Element | null {
  const missing = [
    answer.gap ? null : "how far apart views lie",
    answer.adjacency ? null : "which pieces are neighbours",
    answer.routes ? null : "routes",
    answer.position ? null : "the place of single points",
  ].filter((each) => each !== null);
  return missing.length ? (
    <p class="quiet small" data-value="untrained">
      This run was not trained to say: {missing.join(", ")}.
    </p>
  ) : null;
}
