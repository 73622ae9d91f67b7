/** The scan the point is looked for in, with the answer and its ring in the slices. */

import type { ComponentChildren, JSX } from "preact";
import { FILM } from "../colours.ts";
import { cutOf, PLANES, toPicture, type Frame, type Grid, type Plane } from "../geometry/planes.ts";
import { along, on } from "../geometry/vector.ts";
import { Film } from "../parts/film.tsx";
import { Ring, Sight } from "../parts/mark.tsx";
import { there } from "../sought.ts";
import type { Volume } from "../scan/nifti.ts";
import type { WhereResponse } from "../api-types.ts";
import type { Mm } from "../geometry/vector.ts";

export function FoundPlanes({
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
    <div class="planes four" data-found={answer ? (answer.found_mm ? "yes" : "no") : undefined}>
      {PLANES.map((plane) => (
        <FoundPlane key={plane.name} plane={plane} volume={volume} answer={answer} at={at} />
      ))}
      {children}
    </div>
  );
}

function FoundPlane({
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
  const over = (frame: Frame, px: number): JSX.Element | null => {
    const { found_mm: found, ring_mm: ring } = answer ?? {};
    if (!found || ring == null) return null;
    const [middle, off] = [toPicture(frame, found), Math.abs(on(found, through) - on(at, through))];
    const radius = cutOf(ring, off);
    return (
      <g>
        {radius === null ? null : <Ring at={middle} radius={radius} colour={FILM.model} px={px} />}
        <Sight at={middle} hole={ring} colour={FILM.model} faint={off > on(volume.spacing, through) / 2} px={px} />
      </g>
    );
  };
  return (
    <Film
      plane={plane}
      volume={volume}
      at={at}
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
