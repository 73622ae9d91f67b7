/** Explore: views in a scan on the left, what the model makes of them on the right. */

import type { JSX } from "preact";
import { choosePair, spoil } from "../actions.ts";
import { sentence, steps } from "../format.ts";
import { ChunksPanel } from "../panels/chunks.tsx";
import { MatrixPanel } from "../panels/matrix.tsx";
import { PairPanel } from "../panels/pair.tsx";
import { Planes } from "../panels/planes.tsx";
import { PointsPanel } from "../panels/points.tsx";
import { PathsPanel } from "../panels/paths.tsx";
import { SpoilPanel } from "../panels/spoil.tsx";
import { Pickers, Views } from "../panels/views.tsx";
import { Key } from "../parts/key.tsx";
import { Problem } from "../parts/problem.tsx";
import { look, lookError, pair, probes, run, state, volume, waiting } from "../state.ts";
import type { LookResponse } from "../api-types.ts";

export function Explore(): JSX.Element {
  const answer = look.value;
  return (
    <div class="explore">
      <div class="left">
        <Pickers />
        <Spoilt />
        {volume.value ? <Planes volume={volume.value} /> : <p class="loading">Opening the scan …</p>}
        <Views />
        <Key />
      </div>
      <div class="right" data-tour="numbers" aria-busy={waiting.value}>
        {lookError.value ? <Problem error={lookError.value} /> : null}
        {answer ? (
          <>
            <div class="stack">
              <MatrixPanel look={answer} pair={pair.value} onPick={choosePair} />
              {pair.value ? <PairPanel look={answer} pair={pair.value} /> : null}
              <SpoilPanel />
            </div>
            <div class="stack">
              <ChunksPanel look={answer} pair={pair.value} onPick={choosePair} />
              <PathsPanel answer={answer} />
              <PointsPanel look={answer} />
              <Others answer={answer} />
              <p class="quiet small">
                Answered in {Math.round(answer.milliseconds)} ms by the model at {steps(answer.step ?? 0)}.
              </p>
            </div>
          </>
        ) : lookError.value ? null : (
          <p class="loading">Asking the model …</p>
        )}
      </div>
    </div>
  );
}

/** Beside the pictures, that these are not the scan's own voxels. */
function Spoilt(): JSX.Element | null {
  const { probe, probeView } = state.value;
  const card = probes.value.find((each) => each.name === probe);
  if (!card) return null;
  return (
    <p class="spoilt" role="status">
      <span>
        <b>{sentence(card.title)}</b>: {probeView === null ? "every view is" : `view ${probeView + 1} is`} shown as the
        model gets it.
      </span>
      <button type="button" class="no-share" data-do="mend" onClick={() => spoil(null, null)}>
        Undo
      </button>
    </p>
  );
}

/** The tasks that can say nothing of views like these, so that nobody looks for them. */
function Others({ answer }: { answer: LookResponse }): JSX.Element | null {
  const others = run.value?.tasks.filter((task) => !answer.tasks.some((each) => each.task.name === task.name)) ?? [];
  return others.length ? (
    <p class="quiet small" data-value="others">
      Also learned, but without an answer about views that lie anywhere: {others.map((task) => task.title).join(", ")}.
      See their figures under “Judge” and their curves under “Watch it learn”.
    </p>
  ) : null;
}
