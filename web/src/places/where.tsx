/** Where am I?: a voxel of one subject's scan, and where the same anatomy lies in another subject's. */

import { effect, untracked } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { open, useScan } from "../actions.ts";
import { inSpace, mm, sentence } from "../format.ts";
import { same } from "../geometry/vector.ts";
import { FoundPlanes } from "../panels/found.tsx";
import { SoughtPlanes } from "../panels/sought.tsx";
import { failed, ScanPicker } from "../panels/views.tsx";
import { Problem } from "../parts/problem.tsx";
import { answer, asked, movePoint, point, question, stage, STAGES, there } from "../sought.ts";
import { change, scans, state, volume, volumes } from "../state.ts";
import type { WhereResponse } from "../api-types.ts";
import type { Mm } from "../geometry/vector.ts";

export function Where(): JSX.Element {
  useEffect(() => {
    change({ at: point.peek() ?? state.peek().at });
    return effect(() => {
      const wanted = question.value;
      if (wanted) untracked(() => asked.ask(wanted));
    });
  }, []);
  useEffect(
    () =>
      effect(() => {
        const { target } = state.value;
        if (target) void open(target).catch(failed);
      }),
    [],
  );
  useEffect(
    () =>
      effect(() => {
        if (answer.value?.found_mm) there.value = answer.value.found_mm;
      }),
    [],
  );
  const target = volumes.value.get(state.value.target ?? "") ?? null;
  const from = (id: string): void => {
    change({ point: null });
    useScan(id)
      .then(() => movePoint(point.peek() ?? state.peek().at))
      .catch(failed);
  };
  const into = (id: string): void => {
    there.value = null; // slices of one body say nothing of another
    change({ target: id });
  };
  return (
    <div class="where" data-tour="where">
      <p class="intro">
        Click a voxel in the scan on the left. On the right is the same anatomy in another subject, found by holding the
        two whole scans against each other, as <code>orienteer locate</code> does.
      </p>
      <div class="bodies">
        <section class="panel" aria-label="The point">
          <h3>The point is in</h3>
          <ScanPicker label="Scan" value={state.value.scan} onPick={from} />
          {volume.value ? <SoughtPlanes volume={volume.value} /> : <p class="loading">Opening the scan …</p>}
        </section>
        <section class="panel" aria-label="Where it lies in the other scan" aria-busy={asked.busy.value}>
          <h3>It is looked for in</h3>
          <ScanPicker label="Other scan" value={state.value.target ?? ""} without={state.value.scan} onPick={into} />
          {target ? (
            <FoundPlanes volume={target} answer={answer.value}>
              <div class="beside" aria-live="polite">
                <Answer answer={answer.value} />
              </div>
            </FoundPlanes>
          ) : (
            <p class="loading">{scans.value.length > 1 ? "Opening the scan …" : "This store holds no other scan."}</p>
          )}
        </section>
      </div>
    </div>
  );
}

function Answer({ answer }: { answer: WhereResponse | null }): JSX.Element {
  if (asked.error.value) return <Problem error={asked.error.value} />;
  if (stage.value !== null) return <Stage now={stage.value} />;
  if (!answer) return <p class="figure quiet">Asking the model …</p>;
  const { found_mm: found, found_world_mm: world } = answer;
  return found && world ? <Present answer={answer} found={found} world={world} /> : <Absent answer={answer} />;
}

function Stage({ now }: { now: number }): JSX.Element {
  return (
    <>
      <p class="words">
        {STAGES[now]} <span class="nowrap quiet">({`${now + 1} of ${STAGES.length}`})</span> …
      </p>
      <progress max={STAGES.length} value={now} aria-label="Stages done" />
      <p class="quiet small">Once for these two scans; every further click is answered at once.</p>
    </>
  );
}

function Present({ answer, found, world }: { answer: WhereResponse; found: Mm; world: Mm }): JSX.Element {
  return (
    <>
      <p class="figure">
        90 % within <b data-value="ring">{mm(answer.ring_mm)}</b>
        <span class="quiet">, the ring</span>
      </p>
      <p class="words">
        There and back it misses its start by <b data-value="cycle">{mm(answer.cycle_mm)}</b>.
      </p>
      <p class="words">
        <b class="sign-model">◎</b> It lies at <span data-value="found">{inSpace(world)}</span>, as 3D Slicer shows it.
      </p>
      <p class="quiet small">
        The ring holds the truth in nine of ten cases on brains at 3 mm, where it was calibrated; elsewhere, measure it
        first. A point that comes back is a good sign, not a proof.
      </p>
      {there.value && !same(there.value, found) ? (
        <button type="button" data-do="return" onClick={() => (there.value = found)}>
          Slices through the answer
        </button>
      ) : null}
    </>
  );
}

function Absent({ answer }: { answer: WhereResponse }): JSX.Element {
  return (
    <>
      <p class="figure">
        <b data-value="absent">Not in this scan</b>
      </p>
      <p class="words" data-value="why">
        {sentence(answer.why)}.
      </p>
      <p class="words">
        There and back it misses its start by <b data-value="cycle">{mm(answer.cycle_mm)}</b>.
      </p>
      <p class="quiet small">Air has no anatomy to be found by: click a voxel of the body.</p>
    </>
  );
}
