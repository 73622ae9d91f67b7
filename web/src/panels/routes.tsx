/** Routes: the model's steps, one after another; do they arrive, and does a round trip come back? */

import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { inWords, mm, pathName, viewName } from "../format.ts";
import { legOf, type Leg } from "../looked.ts";
import { change, look, run, state } from "../state.ts";
import type { LookResponse, Route } from "../api-types.ts";

const PACE_MS = 900;
const KINDS = { step: "one step", route: "by way of others", tour: "there and back" } as const;

/** How many steps of the chosen route are shown; null while no route is. */
export const played = signal<number | null>(null);
const running = signal(false);

const routeOf = (answer: LookResponse | null): Route | null =>
  answer?.routes?.[state.value.route] ?? answer?.routes?.[0] ?? null;

/** What the planes and the 3D picture draw of the route. */
export function shownLeg(): Leg | null {
  const [answer, done] = [look.value, played.value];
  const route = routeOf(answer);
  return answer && route && done !== null ? legOf(answer, route, done) : null;
}

function turnTo(done: number | null): void {
  played.value = done;
}

export function RoutesPanel({ answer }: { answer: LookResponse }): JSX.Element | null {
  const route = routeOf(answer);
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
  if (!answer.routes || !route) return null;
  const byAlgebra = run.value?.forms["route"] === "difference";
  const choose = (index: number): void => {
    change({ route: index });
    turnTo(legsOf(answer.routes?.[index]));
  };
  const play = (): void => {
    if (played.value === null || played.value >= legs) turnTo(0);
    running.value = !running.value;
  };
  const index = answer.routes.indexOf(route);
  return (
    <section class="panel" aria-label="Routes">
      <h3>
        Walk a route <span class="term">arrival and closure</span>
      </h3>
      {answer.closure_mm === null ? null : (
        <p class="figure">
          <b data-value="closure_mm">{mm(answer.closure_mm)}</b> off after a round trip
          {byAlgebra ? (
            <span class="quiet"> (by construction: no finding)</span>
          ) : (
            <span class="quiet">, where 0 mm would be home</span>
          )}
        </p>
      )}
      <label class="field">
        Route{" "}
        <select value={index} onChange={(event) => choose(Number(event.currentTarget.value))}>
          {Object.entries(KINDS).map(([kind, title]) => (
            <optgroup label={title} key={kind}>
              {answer.routes?.map((each, n) =>
                each.kind === kind ? (
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
    </section>
  );
}

const legsOf = (route: Route | undefined): number => (route ? route.path.length - 1 : 0);

function Words({ route, legs, done }: { route: Route; legs: number; done: number | null }): JSX.Element {
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
