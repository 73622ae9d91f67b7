/** The scan the point is in. */

import type { JSX } from "preact";
import { useCallback } from "preact/hooks";
import { keyStep, scroll } from "../actions.ts";
import { FILM } from "../colours.ts";
import { inSpace } from "../format.ts";
import { PLANES, toPicture, type Frame, type Plane } from "../geometry/planes.ts";
import { along, on } from "../geometry/vector.ts";
import { Film } from "../parts/film.tsx";
import { Sight } from "../parts/mark.tsx";
import { answer, movePoint, point } from "../sought.ts";
import type { Volume } from "../scan/nifti.ts";
import { slice } from "../state.ts";

export function SoughtPlanes({ volume }: { volume: Volume }): JSX.Element {
  return (
    <div class="planes four">
      {PLANES.map((plane) => (
        <SoughtPlane key={plane.name} plane={plane} volume={volume} />
      ))}
      <div class="beside">
        {answer.value ? (
          <p class="words">
            <b class="sign-point">✛</b> The point lies at{" "}
            <span data-value="point">{inSpace(answer.value.point_world_mm)}</span>, as 3D Slicer shows it.
          </p>
        ) : null}
        <p class="quiet small">
          Click a voxel in a plane, or drag; arrow keys move the point by one voxel, with Shift by ten.
        </p>
      </div>
    </div>
  );
}

function SoughtPlane({ plane, volume }: { plane: Plane; volume: Volume }): JSX.Element {
  const onScroll = useCallback((slices: number) => scroll(plane, slices, volume), [plane, volume]);
  const over = (frame: Frame, px: number): JSX.Element | null => {
    const at = point.value;
    if (!at) return null;
    const off = Math.abs(on(at, plane.through) - on(slice.value, plane.through));
    return (
      <g data-sought="">
        <Sight
          at={toPicture(frame, at)}
          colour={FILM.chosen}
          faint={off > on(volume.spacing, plane.through) / 2}
          px={px}
        />
      </g>
    );
  };
  const key = (event: KeyboardEvent, frame: Frame): void => {
    const [step, now] = [keyStep(frame.plane, event.key, frame.mirrored), point.peek()];
    if (!step || !now) return;
    movePoint(
      along(now, step.axis, on(now, step.axis) + step.way * (event.shiftKey ? 10 : 1) * on(volume.spacing, step.axis)),
    );
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <Film
      plane={plane}
      volume={volume}
      at={slice.value}
      over={over}
      onScroll={onScroll}
      onKey={key}
      label={`${plane.name} plane: click the voxel to look for, arrow keys move it`}
      onPress={(place) => {
        movePoint(place);
        return (now) => movePoint(now);
      }}
    />
  );
}
