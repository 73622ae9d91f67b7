/** Where am I?: a crop of one person's scan, and where the model believes it belongs in another person's. */

import { computed, effect, signal } from "@preact/signals";
import type { JSX } from "preact";
import { useCallback, useEffect } from "preact/hooks";
import * as api from "../api.ts";
import { gridOf, keyStep, open, scroll, useScan } from "../actions.ts";
import { FILM } from "../colours.ts";
import { mm, number } from "../format.ts";
import { cuts, rectangle, settle } from "../geometry/boxes.ts";
import { PLANES, toPicture, type Frame, type Grid, type Plane } from "../geometry/planes.ts";
import { along, on, same } from "../geometry/vector.ts";
import { Newest } from "../newest.ts";
import { Box, Cross, Label } from "../parts/mark.tsx";
import { Film } from "../parts/film.tsx";
import { Problem } from "../parts/problem.tsx";
import { failed, ScanPicker } from "../panels/views.tsx";
import type { Volume } from "../scan/nifti.ts";
import { HEAT_COLOURS } from "../scan/slice.ts";
import { change, run, scan, scans, slice, state, volume, volumes } from "../state.ts";
import type { Mm, Where as Answer, WhereRequest } from "../types.ts";

const asked = new Newest<WhereRequest, Answer>(api.where, () => false, 32);
/** The slices shown of the other scan: the peak, until somebody scrolls. */
const there = signal<Mm | null>(null);

const crop = computed<Mm | null>(() => {
  const [current, size] = [scan.value, run.value?.view_mm];
  if (!current || !size) return null;
  return settle(gridOf(current), size, state.value.crop ?? state.value.centres[0] ?? [0, 0, 0]);
});

function moveCrop(place: Mm): void {
  const [current, size] = [scan.peek(), run.peek()?.view_mm];
  if (!current || !size) return;
  const settled = settle(gridOf(current), size, place);
  if (!crop.peek() || !same(settled, crop.peek() as Mm)) change({ crop: settled });
  change({ at: settled });
}

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
  useEffect(() => effect(() => {
    const { target } = state.value;
    if (target) void open(target).catch(failed);
  }), []);
  useEffect(() => effect(() => {
    there.value = asked.shown.value?.answer.peak_mm ?? null;
  }), []);
  const answer = asked.shown.value?.answer ?? null;
  const target = volumes.value.get(state.value.target ?? "") ?? null;
  const fits = answer !== null && answer.target === state.value.target ? answer : null;
  const from = (id: string): void => {
    change({ crop: null });
    useScan(id).then(() => moveCrop(crop.peek() ?? state.peek().at)).catch(failed);
  };
  return (
    <div class="where" data-tour="where">
      <p class="intro">
        Click in the scan on the left to cut out a piece. Many views of the other person's scan each say where the piece lies
        as seen from them. Bright is where their opinions agree; agreement is a good sign, not certainty.
      </p>
      <div class="bodies">
        <section class="panel" aria-label="The piece">
          <h3>The piece comes from</h3>
          <ScanPicker label="Scan" value={state.value.scan} onPick={from} />
          {volume.value ? <Body volume={volume.value} onPlace={moveCrop} /> : <p class="loading">Opening the scan …</p>}
        </section>
        <section class="panel" aria-label="Where the model believes it belongs" aria-busy={asked.busy.value}>
          <h3>It is looked for in</h3>
          <ScanPicker label="Other scan" value={state.value.target ?? ""} without={state.value.scan} onPick={(id) => change({ target: id })} />
          {target ? <Heated volume={target} answer={fits} /> : <p class="loading">{scans.value.length > 1 ? "Opening the scan …" : "This store holds no other scan."}</p>}
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
        <p class="figure">No truth known: <span class="quiet">these two scans share no labels, so nobody can say how far off it is.</span></p>
      ) : (
        <p class="figure"><b data-value="where-error">{mm(answer.error_mm)}</b> from where it should be{answer.chance_mm == null ? null : <span class="quiet">; the middle of that body would be {mm(answer.chance_mm)} off</span>}</p>
      )}
      <p class="words">
        <b class="sign-model">✕</b> The model points to <span data-value="peak">{answer.peak_mm.map((value) => number(value)).join(", ")}</span> mm (to the right, to the front, up).
      </p>
      {answer.true_mm ? <p class="words"><b class="sign-truth">✚</b> It should be <span data-value="truth">{answer.true_mm.map((value) => number(value)).join(", ")}</span> mm.</p> : null}
      {answer.from_labels ? <p class="quiet small">How the truth is known: {answer.from_labels}</p> : null}
      <p class="scale" aria-hidden="true"><span>no opinion</span>{HEAT_COLOURS.map((colour) => <i key={colour} style={{ background: colour }} />)}<span>all agree</span></p>
    </div>
  );
}

function Body({ volume, onPlace }: { volume: Volume; onPlace: (place: Mm) => void }): JSX.Element {
  const [size, place] = [run.value?.view_mm, crop.value];
  return (
    <div class="planes four">
      {PLANES.map((plane) => <CropPlane key={plane.name} plane={plane} volume={volume} onPlace={onPlace} />)}
      <div class="beside">
        <p class="words">The piece is a cube {mm(size)} wide.{place ? <> Its middle lies at {place.map((value) => number(value)).join(", ")} mm (to the right, to the front, up from the scan's corner).</> : null}</p>
        <p class="quiet small">Click or drag in a plane to cut another; arrow keys move it.</p>
      </div>
    </div>
  );
}

function CropPlane({ plane, volume, onPlace }: { plane: Plane; volume: Volume; onPlace: (place: Mm) => void }): JSX.Element {
  const size = run.value?.view_mm ?? 0;
  const onScroll = useCallback((slices: number) => scroll(plane, slices, volume), [plane, volume]);
  const over = (frame: Frame, px: number): JSX.Element | null => {
    if (!crop.value) return null;
    const box = rectangle(frame, crop.value, size);
    return (
      <g data-crop="">
        <Box at={box} colour={FILM.chosen} width={2.4} faint={!cuts(frame, crop.value, size, slice.value)} px={px} />
        <Label x={box.x + 4 * px} y={box.y + 14 * px} px={px}>piece</Label>
      </g>
    );
  };
  const key = (event: KeyboardEvent, frame: Frame): void => {
    const [step, now] = [keyStep(frame.plane, event.key, frame.mirrored), crop.peek()];
    if (!step || !now) return;
    onPlace(along(now, step.axis, on(now, step.axis) + step.way * (event.shiftKey ? 10 : 1) * on(volume.spacing, step.axis)));
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <Film
      plane={plane} volume={volume} at={slice.value} over={over} onScroll={onScroll} onKey={key}
      label={`${plane.name} plane: click to cut the piece here, arrow keys move it`}
      onPress={(place) => { onPlace(place); return (now) => onPlace(now); }}
    />
  );
}

function Heated({ volume, answer }: { volume: Volume; answer: Answer | null }): JSX.Element {
  const middle = volume.shape.map((n, axis) => Math.floor(n / 2) * on(volume.spacing, axis)) as unknown as Mm;
  const at = there.value ?? middle;
  return (
    <div class="planes four" data-heat={answer ? "yes" : "no"}>
      {PLANES.map((plane) => <HeatedPlane key={plane.name} plane={plane} volume={volume} answer={answer} at={at} />)}
      <Verdict answer={answer} />
    </div>
  );
}

function HeatedPlane({ plane, volume, answer, at }: { plane: Plane; volume: Volume; answer: Answer | null; at: Mm }): JSX.Element {
  const { through } = plane;
  const go = (slices: number): void => {
    there.value = along(at, through, clamp(volume, through, on(at, through) + slices * on(volume.spacing, through)));
  };
  const over = (frame: Frame, px: number): JSX.Element | null =>
    answer ? (
      <g>
        {answer.true_mm ? <Cross at={toPicture(frame, answer.true_mm)} colour={FILM.truth} size={8} px={px} /> : null}
        <Cross at={toPicture(frame, answer.peak_mm)} colour={FILM.model} size={6} px={px} turned />
      </g>
    ) : null;
  return <Film plane={plane} volume={volume} at={at} heat={answer} over={over} onScroll={go} label={`${plane.name} plane of the other scan`} onPress={(place) => { there.value = place; return (now) => (there.value = now); }} />;
}

const clamp = (grid: Grid, axis: number, mm: number): number => Math.min((on(grid.shape, axis) - 1) * on(grid.spacing, axis), Math.max(0, mm));

