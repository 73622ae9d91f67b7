/** One run at one step: its arrows, its error matrix and its curve. */

import type { JSX } from "preact";
import { choosePair } from "../actions.ts";
import { measured, mm, steps } from "../format.ts";
import { AXIAL, CORONAL, type Frame } from "../geometry/planes.ts";
import { CurveChart } from "../parts/curve.tsx";
import { Film } from "../parts/film.tsx";
import { Overlay } from "../parts/overlay.tsx";
import { Problem } from "../parts/problem.tsx";
import type { Volume } from "../scan/nifti.ts";
import { centres, chosen, replayOf, pair, slice, state } from "../state.ts";
import type { Curve, History, LookResponse, RunFacts } from "../api-types.ts";
import { GapTable } from "./matrix.tsx";

interface ArmProps {
  run: RunFacts;
  volume: Volume;
  step: number | null;
  history: History | null;
  last: number;
  /** Ends of the colour and error scales, the same for every run shown. */
  most: number;
  high: number;
}

export function replayed(run: RunFacts): LookResponse | null {
  const shown = replayOf(run.key).shown.value?.answer;
  return shown?.scan === state.value.scan && shown.centres_mm.length === centres.value.length ? shown : null;
}

export function gapCurve(history: History | null): Curve | null {
  return history?.["gap"]?.["gap_error_mm"] ?? first(history);
}

export function Arm({ run, volume, step, history, last, most, high }: ArmProps): JSX.Element {
  const asked = replayOf(run.key);
  const answer = replayed(run);
  const curve = gapCurve(history);
  const over = (frame: Frame, px: number): JSX.Element => (
    <Overlay
      frame={frame}
      px={px}
      at={slice.value}
      centres={centres.value}
      size={run.view_mm}
      look={answer}
      chosen={chosen.value}
      pair={null}
    />
  );
  return (
    <section class="arm panel" data-run={run.key} aria-label={`Run ${run.name}`} aria-busy={asked.busy.value}>
      <h3>
        {run.name}{" "}
        <span class="term">{step === null ? "nothing kept yet" : step === 0 ? "before training" : steps(step)}</span>
      </h3>
      {asked.error.value ? <Problem error={asked.error.value} /> : null}
      {answer?.gap ? <Headline answer={answer} /> : null}
      <div class="pairfilm">
        {[AXIAL, CORONAL].map((plane) => (
          <Film
            key={plane.name}
            plane={plane}
            volume={volume}
            at={slice.value}
            label={`${plane.name} plane: arrows from view ${chosen.value + 1}`}
            over={over}
          />
        ))}
      </div>
      {answer?.gap ? (
        <div class="tables two">
          <GapTable
            look={answer}
            kind="predicted"
            quantity="distance"
            most={most}
            pair={pair.value}
            onPick={choosePair}
          />
          <GapTable look={answer} kind="error" quantity="distance" most={most} pair={pair.value} onPick={choosePair} />
        </div>
      ) : null}
      {curve ? (
        <CurveChart
          curve={curve}
          title="How far off on average"
          step={step}
          last={Math.max(last, ...curve.points.map(([at]) => at))}
          high={high}
        />
      ) : null}
    </section>
  );
}

function Headline({ answer }: { answer: LookResponse }): JSX.Element {
  return (
    <p class="figure" aria-live="polite">
      <b data-value="mean_error_mm">{mm(answer.gap?.mean_error_mm)}</b> off on average
      {answer.gap?.chance_mm == null ? null : (
        <span class="quiet">; guessing: {measured(answer.gap.chance_mm, "mm")}</span>
      )}
    </p>
  );
}

function first(history: History | null): Curve | null {
  return Object.values(Object.values(history ?? {})[0] ?? {})[0] ?? null;
}
