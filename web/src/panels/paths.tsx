/** Paths: the model's steps, one after another; do they arrive, and does a round trip come back? */

import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { inWords, mm, pathName, viewName } from "../format.ts";
import { legOf, taskOf, type Leg } from "../looked.ts";
import { TaskPanel } from "../parts/task.tsx";
import { change, look, state } from "../state.ts";
import type { LookResponse, Path } from "../api-types.ts";

const PACE_MS = 900;
/** What the records tell apart; every other kind goes by way of other views. */
const KINDS: Record<string, string> = { step: "one step", tour: "there and back" };
const kindOf = (path: Path): string => KINDS[path.kind] ?? "by way of others";

/** How many steps of the chosen route are shown; null while no route is. */
export const played = signal<number | null>(null);
const running = signal(false);

function pathOf(answer: LookResponse | null): Path | null {
  const paths = taskOf(answer, "paths")?.paths.paths;
  return paths?.[state.value.route] ?? paths?.[0] ?? null;
}

/** What the planes and the 3D picture draw of the route. */
export function shownLeg(): Leg | null {
  const [answer, done] = [look.value, played.value];
  const route = pathOf(answer);
  return answer && route && done !== null ? legOf(answer, route, done) : null;
}

function turnTo(done: number | null): void {
  played.value = done;
}

export function PathsPanel({ answer }: { answer: LookResponse }): JSX.Element | null {
  const route = pathOf(answer);
  const legs = route ? route.path.length - 1 : 0;
  useEffect(() => {
    if (!running.value) return undefined;
    const timer = setTimeout(() => {
      const next = (played.value ?? 0) + 1;
      if (next >= legs) running.value = false;
      turnTo(Math.min(next, legs));
    }, PACE_MS);
    return () => clearTimeout(timer);
  }, [running.value, played.value, legs]);
  const said = taskOf(answer, "paths");
  if (!said || !route) return null;
  const { closes, paths } = said.paths;
  const choose = (index: number): void => {
    change({ route: index });
    turnTo(legsOf(paths[index]));
  };
  const play = (): void => {
    if (played.value === null || played.value >= legs) turnTo(0);
    running.value = !running.value;
  };
  return (
    <TaskPanel look={answer} kind="paths" said={said}>
      {closes ? (
        <p class="quiet small">Here every round trip comes back by construction, whatever was learned: no finding.</p>
      ) : null}
      <label class="field">
        Route{" "}
        <select value={paths.indexOf(route)} onChange={(event) => choose(Number(event.currentTarget.value))}>
          {[...new Set(paths.map(kindOf))].map((title) => (
            <optgroup label={title} key={title}>
              {paths.map((each, n) =>
                kindOf(each) === title ? (
                  <option value={n} key={n}>
                    {pathName(each.path)} · {mm(each.error_mm)} off
                  </option>
                ) : null,
              )}
            </optgroup>
          ))}
        </select>
      </label>
      <div class="player" role="group" aria-label="Play the route">
        <button
          type="button"
          onClick={() => turnTo(Math.max(0, (played.value ?? legs) - 1))}
          aria-label="One step back"
        >
          ◀
        </button>
        <button type="button" class="main" onClick={play}>
          {running.value ? "Pause" : "Play"}
        </button>
        <button type="button" onClick={() => turnTo(Math.min(legs, (played.value ?? 0) + 1))} aria-label="One step on">
          ▶
        </button>
        {played.value === null ? null : (
          <button
            type="button"
            onClick={() => {
              running.value = false;
              turnTo(null);
            }}
          >
            Hide
          </button>
        )}
      </div>
      <Words route={route} legs={legs} done={played.value} />
    </TaskPanel>
  );
}

const legsOf = (route: Path | undefined): number => (route ? route.path.length - 1 : 0);

function Words({ route, legs, done }: { route: Path; legs: number; done: number | null }): JSX.Element {
  const [start, end] = [route.path[0] ?? 0, route.path[legs] ?? 0];
  if (done === null || done >= legs) {
    return (
      <p class="words" aria-live="polite">
        From {viewName(start)} {route.kind === "tour" ? "round and back" : `to ${viewName(end)}`}: the model arrives{" "}
        <b data-value="route-error">{mm(route.error_mm)}</b> from{" "}
        {route.kind === "tour" ? "where it started" : "the true place"}.
        {route.predicted ? <span class="quiet"> It believes to have gone {inWords(route.predicted)}.</span> : null}
      </p>
    );
  }
  const at = route.path[done] ?? 0;
  return (
    <p class="words" aria-live="polite">
      Step {done} of {legs}: {done === 0 ? `it starts at ${viewName(start)}` : `it believes to be at ${viewName(at)}`}.
    </p>
  );
}
