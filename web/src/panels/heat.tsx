/** The scan the piece is looked for in, with what the model believes laid over it. */

import type { ComponentChildren, JSX } from "preact";
import { FILM } from "../colours.ts";
import { PLANES, toPicture, type Frame, type Grid, type Plane } from "../geometry/planes.ts";
import { along, on } from "../geometry/vector.ts";
import { Film } from "../parts/film.tsx";
import { Cross } from "../parts/mark.tsx";
import { there } from "../piece.ts";
import type { Volume } from "../scan/nifti.ts";
import type { WhereResponse } from "../api-types.ts";
import type { Mm } from "../geometry/vector.ts";

export function HeatedPlanes({
  volume,
  answer,
  children,
}: {
  volume: Volume;
  answer: WhereResponse | null;
  children: ComponentChildren;
}): JSX.Element {
  const middle = volume.shape.map((n, axis) => Math.floor(n / 2) * on(volume.spacing, axis)) as unknown as Mm;
  const at = there.value ?? middle;
  return (
    <div class="planes four" data-heat={answer ? "yes" : "no"}>
      {PLANES.map((plane) => (
        <HeatedPlane key={plane.name} plane={plane} volume={volume} answer={answer} at={at} />
      ))}
      {children}
    </div>
  );
}

function HeatedPlane({
  plane,
  volume,
  answer,
  at,
}: {
  plane: Plane;
  volume: Volume;
  answer: WhereResponse | null;
  at: Mm;
}): JSX.Element {
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
  return (
    <Film
      plane={plane}
      volume={volume}
      at={at}
      heat={answer}
      over={over}
      onScroll={go}
      label={`${plane.name} plane of the other scan`}
      onPress={(place) => {
        there.value = place;
        return (now) => (there.value = now);
      }}
    />
  );
}

const clamp = (grid: Grid, axis: number, mm: number): number =>
  Math.min((on(grid.shape, axis) - 1) * on(grid.spacing, axis), Math.max(0, mm));
