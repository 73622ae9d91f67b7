/** Where am I?: a piece of one subject's scan, and where the model believes it belongs in another subject's. */

import { effect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { open, useScan } from "../actions.ts";
import { mm, number } from "../format.ts";
import { CropPlanes } from "../panels/crop.tsx";
import { HeatedPlanes } from "../panels/heat.tsx";
import { failed, ScanPicker } from "../panels/views.tsx";
import { Problem } from "../parts/problem.tsx";
import { asked, crop, moveCrop, there } from "../piece.ts";
import { HEAT_COLOURS } from "../scan/slice.ts";
import { change, run, scans, state, volume, volumes } from "../state.ts";
import type { WhereResponse as Answer } from "../api-types.ts";

export function Where(): JSX.Element {
  useEffect(() => {
    change({ at: crop.peek() ?? state.peek().at });
    return effect(() => {
      const [current, place] = [run.value, crop.value];
      const { scan: id, target, step } = state.value;
      if (!current || !place || !target || !id || target === id) return;
      asked.ask({ run: current.key, step: step ?? current.best_step, scan: id, centre_mm: place, target });
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
        there.value = asked.shown.value?.answer.peak_mm ?? null;
      }),
    [],
  );
  const shown = asked.shown.value;
  const target = volumes.value.get(state.value.target ?? "") ?? null;
  const { question, answer } = shown ?? {};
  const fits = question?.scan === state.value.scan && answer?.target === state.value.target ? (answer ?? null) : null;
  const from = (id: string): void => {
    change({ crop: null });
    useScan(id)
      .then(() => moveCrop(crop.peek() ?? state.peek().at))
      .catch(failed);
  };
  return (
    <div class="where" data-tour="where">
      <p class="intro">
        Click in the scan on the left to cut out a piece. Many views of the other subject's scan each say where the
        piece lies as seen from them. Bright is where their opinions agree; agreement is a good sign, not certainty.
      </p>
      <div class="bodies">
        <section class="panel" aria-label="The piece">
          <h3>The piece comes from</h3>
          <ScanPicker label="Scan" value={state.value.scan} onPick={from} />
          {volume.value ? <CropPlanes volume={volume.value} /> : <p class="loading">Opening the scan …</p>}
        </section>
        <section class="panel" aria-label="Where the model believes it belongs" aria-busy={asked.busy.value}>
          <h3>It is looked for in</h3>
          <ScanPicker
            label="Other scan"
            value={state.value.target ?? ""}
            without={state.value.scan}
            onPick={(id) => change({ target: id })}
          />
          {target ? (
            <HeatedPlanes volume={target} answer={fits}>
              <Verdict answer={fits} />
            </HeatedPlanes>
          ) : (
            <p class="loading">{scans.value.length > 1 ? "Opening the scan …" : "This store holds no other scan."}</p>
          )}
        </section>
      </div>
    </div>
  );
}

function Verdict({ answer }: { answer: Answer | null }): JSX.Element {
  if (asked.error.value) return <Problem error={asked.error.value} />;
  if (!answer) return <p class="figure quiet">Asking the model …</p>;
  return (
    <div class="beside" aria-live="polite">
      {answer.error_mm === null ? (
        <p class="figure">
          No truth known:{" "}
          <span class="quiet">these two scans share no labels, so nobody can say how far off it is.</span>
        </p>
      ) : (
        <p class="figure">
          <b data-value="where-error">{mm(answer.error_mm)}</b> from where it should be
          {answer.chance_mm == null ? null : (
            <span class="quiet">; the middle of that body would be {mm(answer.chance_mm)} off</span>
          )}
        </p>
      )}
      <p class="words">
        <b class="sign-model">✕</b> The model points to{" "}
        <span data-value="peak">{answer.peak_mm.map((value) => number(value)).join(", ")}</span> mm (to the right, to
        the front, up).
      </p>
      {answer.true_mm ? (
        <p class="words">
          <b class="sign-truth">✚</b> It should be{" "}
          <span data-value="truth">{answer.true_mm.map((value) => number(value)).join(", ")}</span> mm.
        </p>
      ) : null}
      {answer.from_labels ? <p class="quiet small">How the truth is known: {answer.from_labels}</p> : null}
      <p class="scale" aria-hidden="true">
        <span>no opinion</span>
        {HEAT_COLOURS.map((colour) => (
          <i key={colour} style={{ background: colour }} />
        ))}
        <span>all agree</span>
      </p>
    </div>
  );
}
