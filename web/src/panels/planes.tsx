/** The three planes and the 3D picture of the scan, with everything that can be done in them. */

import type { JSX } from "preact";
import { useCallback } from "preact/hooks";
import { choose, click, keyStep, move, nudge, scroll } from "../actions.ts";
import { cuts } from "../geometry/boxes.ts";
import { PLANES, toPicture, frameOf, type Frame, type Plane } from "../geometry/planes.ts";
import { add, along, minus, on } from "../geometry/vector.ts";
import { Film } from "../parts/film.tsx";
import { Overlay } from "../parts/overlay.tsx";
import { Scene } from "../parts/scene.tsx";
import { SceneOver } from "../parts/sceneover.tsx";
import type { Volume } from "../scan/nifti.ts";
import { radiological } from "../settings.ts";
import { centres, change, chosen, look, pair, run, slice, spoilt, state } from "../state.ts";
import type { Mm } from "../geometry/vector.ts";
import { shownLeg } from "./paths.tsx";

const REACH_PX = 12;

export function Planes({ volume }: { volume: Volume }): JSX.Element {
  const size = run.value?.view_mm ?? 0;
  const shown = {
    centres: centres.value,
    size,
    look: look.value,
    chosen: chosen.value,
    pair: pair.value,
    leg: shownLeg(),
  };
  const { planes, solid } = spoilt.value ?? { planes: volume, solid: volume };
  return (
    <div class="planes" data-tour="planes" data-spoilt={spoilt.value ? state.value.probe : undefined}>
      {PLANES.map((plane) => (
        <ViewedPlane key={plane.name} plane={plane} volume={planes} size={size} />
      ))}
      <Scene
        volume={solid}
        label="The scan in 3D; arrow keys turn it"
        over={(project, sight, taken) => <SceneOver project={project} sight={sight} taken={taken} {...shown} />}
      />
    </div>
  );
}

function ViewedPlane({ plane, volume, size }: { plane: Plane; volume: Volume; size: number }): JSX.Element {
  const onScroll = useCallback((slices: number) => scroll(plane, slices, volume), [plane, volume]);
  const over = (frame: Frame, px: number): JSX.Element => (
    <Overlay
      frame={frame}
      px={px}
      at={slice.value}
      centres={centres.value}
      size={size}
      look={look.value}
      chosen={chosen.value}
      pair={pair.value}
      leg={shownLeg()}
    />
  );
  return (
    <Film
      plane={plane}
      volume={volume}
      at={slice.value}
      label={`${plane.name} plane. Arrow keys move view ${chosen.value + 1}, number keys choose another, page up and down go deeper.`}
      over={over}
      onScroll={onScroll}
      onPress={(place, px) => pressed(frameOf(plane, volume, radiological.value), place, px, size)}
      onKey={(event, frame) => typed(event, frame)}
    />
  );
}

/** A press on a view's middle takes hold of it; anywhere else it is a click, or moves the slices of the other planes. */
function pressed(frame: Frame, place: Mm, px: number, size: number): (now: Mm, done: boolean) => void {
  const held = heldView(frame, place, px, size);
  if (held !== null) {
    const centre = state.peek().centres[held] ?? place;
    const offset = minus(centre, place);
    choose(held);
    return (now) => {
      move(held, along(add(now, offset), frame.plane.through, on(centre, frame.plane.through)));
      const moved = state.peek().centres[held];
      if (moved) change({ at: moved });
    };
  }
  let dragged = false;
  return (now, done) => {
    const [a, b] = [toPicture(frame, place), toPicture(frame, now)];
    dragged ||= Math.hypot(a.x - b.x, a.y - b.y) > 4 * px;
    if (dragged) change({ at: now });
    else if (done) click(place);
  };
}

/** The view whose middle lies under the pointer; those cut by this slice come first. */
function heldView(frame: Frame, place: Mm, px: number, size: number): number | null {
  const pointer = toPicture(frame, place);
  const near = state.peek().centres.map((centre, view) => {
    const { x, y } = toPicture(frame, centre);
    return { view, far: Math.hypot(x - pointer.x, y - pointer.y), hidden: !cuts(frame, centre, size, place) };
  });
  const reached = near.filter(({ far }) => far <= REACH_PX * px);
  reached.sort((a, b) => Number(a.hidden) - Number(b.hidden) || a.far - b.far);
  return reached[0]?.view ?? null;
}

function typed(event: KeyboardEvent, frame: Frame): void {
  const step = keyStep(frame.plane, event.key, frame.mirrored);
  if (step) {
    nudge(step.axis, step.way * (event.shiftKey ? 10 : 1));
  } else if (event.key === "Enter") {
    click(state.peek().at);
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}
