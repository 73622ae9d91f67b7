/** The scan the piece is cut from. */

import type { JSX } from "preact";
import { useCallback } from "preact/hooks";
import { keyStep, scroll } from "../actions.ts";
import { FILM } from "../colours.ts";
import { mm, number } from "../format.ts";
import { cuts, rectangle } from "../geometry/boxes.ts";
import { corners, edgeLetters, layOut } from "../geometry/labels.ts";
import { PLANES, type Frame, type Plane } from "../geometry/planes.ts";
import { along, on } from "../geometry/vector.ts";
import { Film } from "../parts/film.tsx";
import { Box, Label } from "../parts/mark.tsx";
import { crop, moveCrop } from "../piece.ts";
import type { Volume } from "../scan/nifti.ts";
import { run, slice } from "../state.ts";

export function CropPlanes({ volume }: { volume: Volume }): JSX.Element {
  const [size, place] = [run.value?.view_mm, crop.value];
  return (
    <div class="planes four">
      {PLANES.map((plane) => (
        <CropPlane key={plane.name} plane={plane} volume={volume} />
      ))}
      <div class="beside">
        <p class="words">
          The piece is a cube {mm(size)} wide.
          {place ? (
            <>
              {" "}
              Its middle lies at {place.map((value) => number(value)).join(", ")} mm (to the right, to the front, up
              from the scan's corner).
            </>
          ) : null}
        </p>
        <p class="quiet small">Click or drag in a plane to cut another; arrow keys move it.</p>
      </div>
    </div>
  );
}

function CropPlane({ plane, volume }: { plane: Plane; volume: Volume }): JSX.Element {
  const size = run.value?.view_mm ?? 0;
  const onScroll = useCallback((slices: number) => scroll(plane, slices, volume), [plane, volume]);
  const over = (frame: Frame, px: number): JSX.Element | null => {
    if (!crop.value) return null;
    const box = rectangle(frame, crop.value, size);
    const name = { text: "piece", size: 12 * px, at: corners(box, "piece", 12 * px) };
    return (
      <g data-crop="">
        <Box at={box} colour={FILM.chosen} width={2.4} faint={!cuts(frame, crop.value, size, slice.value)} px={px} />
        {layOut([name], edgeLetters(frame, px), frame).map((at) => (
          <Label key={at.text} at={at} px={px} />
        ))}
      </g>
    );
  };
  const key = (event: KeyboardEvent, frame: Frame): void => {
    const [step, now] = [keyStep(frame.plane, event.key, frame.mirrored), crop.peek()];
    if (!step || !now) return;
    moveCrop(
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
      label={`${plane.name} plane: click to cut the piece here, arrow keys move it`}
      onPress={(place) => {
        moveCrop(place);
        return (now) => moveCrop(now);
      }}
    />
  );
}
