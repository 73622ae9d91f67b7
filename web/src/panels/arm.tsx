/** One run at one step: its arrows, its error matrix and its curve. */

import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { choosePair } from "../actions.ts";
import { steps } from "../format.ts";
import { AXIAL, CORONAL, type Frame } from "../geometry/planes.ts";
import { headlineOf, taskOf } from "../looked.ts";
import { CurveChart } from "../parts/curve.tsx";
import { Film } from "../parts/film.tsx";
import { Overlay } from "../parts/overlay.tsx";
import { Problem } from "../parts/problem.tsx";
import { KeyFigure } from "../parts/task.tsx";
import type { Volume } from "../scan/nifti.ts";
import { centres, chosen, replayOf, pair, slice, state } from "../state.ts";
import type { Curve, History, LookResponse, RunFacts } from "../api-types.ts";
import { MatrixTable } from "./matrix.tsx";

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

/** The curve shown, as task and metric; null is the one that speaks for the run. */
export const curveShown = signal<readonly [task: string, metric: string] | null>(null);

export function curveOf(run: RunFacts, history: History | null): Curve | null {
  if (curveShown.value) return history?.[curveShown.value[0]]?.[curveShown.value[1]] ?? null;
  const task = run.tasks.find((each) => each.name === run.judged);
  const curves = history?.[(task ?? run.tasks[0])?.name ?? ""] ?? {};
  return curves[task?.judged ?? ""] ?? Object.values(curves)[0] ?? null;
}

export function Arm({ run, volume, step, history, last, most, high }: ArmProps): JSX.Element {
  const asked = replayOf(run.key);
  const answer = replayed(run);
  const headline = headlineOf(answer);
  const curve = curveOf(run, history);
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
      {headline ? <KeyFigure {...headline} main /> : null}
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
      {answer && taskOf(answer, "displacements") ? (
        <div class="tables two">
          <MatrixTable
            look={answer}
            kind="predicted"
            quantity="distance"
            most={most}
            pair={pair.value}
            onPick={choosePair}
          />
          <MatrixTable
            look={answer}
            kind="error"
            quantity="distance"
            most={most}
            pair={pair.value}
            onPick={choosePair}
          />
        </div>
      ) : null}
      {curve ? (
        <CurveChart
          curve={curve}
          title={curve.title}
          step={step}
          last={Math.max(last, ...[...curve.points, ...curve.train].map(([at]) => at))}
          high={high}
        />
      ) : (
        <p class="quiet small">No curve yet: nothing was logged.</p>
      )}
    </section>
  );
}
