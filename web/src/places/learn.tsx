/** Watch it learn: the same views, answered by the model as it was at each kept step of its training. */

import { computed, effect, signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { highest, nearestKept } from "../chart.ts";
import { steps } from "../format.ts";
import { Pickers } from "../panels/views.tsx";
import { largest } from "../looked.ts";
import { Arm, curveOf, curveShown, replayed } from "../panels/arm.tsx";
import { histories, readHistory } from "../live.ts";
import { change, replayOf, runs, state, volume } from "../state.ts";

const PACE_MS = 700;

/** Where the slider stands; null is the end. */
const wanted = signal<number | null>(null);
const running = signal(false);

/** Every step kept by any run: the stops of the slider. */
const stops = computed<number[]>(() => [...new Set(runs.value.flatMap((run) => run.steps))].sort((a, b) => a - b));
const now = computed<number>(() => wanted.value ?? stops.value.at(-1) ?? 0);

function go(step: number | null): void {
  wanted.value = step;
}

export function Learn(): JSX.Element {
  const place = Math.max(
    0,
    stops.value.findIndex((step) => step >= now.value),
  );
  const busy = runs.value.some((run) => replayOf(run.key).busy.value);
  useEffect(() => {
    if (state.peek().step !== null) go(state.peek().step);
    change({ probe: null });
    const stop = effect(() => {
      const { scan, centres } = state.value;
      for (const run of runs.value) {
        const step = nearestKept(run.steps, now.value);
        if (step !== null && centres.length > 1)
          replayOf(run.key).ask({ run: run.key, step, scan, centres_mm: centres, probe: null, probe_view: null });
      }
    });
    return stop;
  }, []);
  useEffect(() => {
    for (const run of runs.value) void readHistory(run.key);
  }, []);
  useEffect(() => {
    if (!running.value || busy) return undefined;
    const timer = setTimeout(() => {
      const next = stops.value[place + 1];
      if (next === undefined) running.value = false;
      else go(next);
    }, PACE_MS);
    return () => clearTimeout(timer);
  }, [running.value, place, busy]);
  const play = (): void => {
    if (place >= stops.value.length - 1) go(stops.value[0] ?? null);
    running.value = !running.value;
  };
  const most = Math.max(
    1,
    ...runs.value.map((run) => {
      const answer = replayed(run);
      return answer ? largest(answer, "distance") : 0;
    }),
  );
  const high = highest(runs.value.flatMap((run) => curveOf(run, histories.value.get(run.key) ?? null) ?? []));
  const live = runs.value.some((run) => run.live);
  return (
    <div class="learn">
      <p class="intro">
        The same views, answered by the model as it was at each step that was kept. At first it guesses; arrows find
        their places as it learns anatomy.
        {live ? " This run is still training: new steps appear as they are kept." : ""}
      </p>
      <Pickers withStep={false} />
      <div class="timeline" role="group" aria-label="Time">
        <button type="button" class="main" onClick={play}>
          {running.value ? "Pause" : "Play"}
        </button>
        <input
          type="range"
          min={0}
          max={Math.max(0, stops.value.length - 1)}
          step={1}
          value={place}
          aria-label="Step of training"
          aria-valuetext={steps(now.value)}
          onInput={(event) => {
            running.value = false;
            go(stops.value[Number(event.currentTarget.value)] ?? null);
          }}
        />
        <output data-value="step">{steps(now.value)}</output>
        {live ? (
          <button type="button" aria-pressed={wanted.value === null} onClick={() => go(null)}>
            Follow live
          </button>
        ) : null}
      </div>
      <CurvePicker />
      <div class={`arms arms-${runs.value.length}`}>
        {volume.value
          ? runs.value.map((run) => (
              <Arm
                key={run.key}
                run={run}
                volume={volume.value as NonNullable<typeof volume.value>}
                step={nearestKept(run.steps, now.value)}
                history={histories.value.get(run.key) ?? null}
                last={stops.value.at(-1) ?? 1}
                most={most}
                high={high}
              />
            ))
          : null}
      </div>
    </div>
  );
}

/** Every curve that any run has, by task. */
function CurvePicker(): JSX.Element {
  const titles = new Map<string, Map<string, string>>();
  for (const run of runs.value)
    for (const task of run.tasks)
      for (const [metric, curve] of Object.entries(histories.value.get(run.key)?.[task.name] ?? {})) {
        const known = titles.get(task.title) ?? new Map<string, string>();
        titles.set(task.title, known.set(JSON.stringify([task.name, metric]), curve.title));
      }
  return (
    <label class="field">
      Curve{" "}
      <select
        data-pick="curve"
        value={curveShown.value ? JSON.stringify(curveShown.value) : ""}
        onChange={({ currentTarget: { value } }) =>
          (curveShown.value = value ? (JSON.parse(value) as [string, string]) : null)
        }
      >
        <option value="">the one a verdict rests on</option>
        {[...titles].map(([task, curves]) => (
          <optgroup label={task} key={task}>
            {[...curves].map(([value, title]) => (
              <option value={value} key={value}>
                {title}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
    </label>
  );
}
