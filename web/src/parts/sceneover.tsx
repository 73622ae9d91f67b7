/** What is drawn over the 3D picture: the edges of the views, the chunks of the pair, and arrows or the route. */

import type { ComponentChildren, JSX } from "preact";
import { FILM, similarity } from "../colours.ts";
import { edges } from "../geometry/boxes.ts";
import { layOut, type Placed } from "../geometry/labels.ts";
import { add } from "../geometry/vector.ts";
import { chunksOf, pairOf, type Leg } from "../looked.ts";
import type { LookResponse } from "../api-types.ts";
import type { Mm } from "../geometry/vector.ts";
import type { Pair } from "../link.ts";
import { Arrow, Cross, Label } from "./mark.tsx";
import type { Project, Sight } from "./scene.tsx";

interface Solid {
  project: Project;
  sight: Sight;
  /** Letters that are there already. */
  taken: readonly Placed[];
  centres: readonly Mm[];
  size: number;
  look: LookResponse | null;
  chosen: number;
  pair: Pair | null;
  leg: Leg | null;
}

export function SceneOver({ project, sight, taken, centres, size, look, chosen, pair, leg }: Solid): JSX.Element {
  const named = centres.map((centre, view) => {
    const { x, y } = project(centre);
    return { text: String(view + 1), size: 13, at: [{ x: x + 5, y: y - 5 }] as const };
  });
  const names = layOut(named, taken, sight);
  return (
    <g>
      {pair && look && !leg ? <SolidChunks project={project} look={look} pair={pair} /> : null}
      {centres.map((centre, view) => {
        return (
          <g data-view={view} key={view}>
            <Edges
              project={project}
              centre={centre}
              size={size}
              colour={FILM.box}
              width={view === chosen ? 2.4 : 1.1}
            />
            <Label at={names[view] as Placed} px={1} />
          </g>
        );
      })}
      {leg ? (
        <Played project={project} leg={leg} />
      ) : (
        <Arrows project={project} look={look} chosen={chosen} pair={pair} />
      )}
    </g>
  );
}

function Edges({
  project,
  centre,
  size,
  colour,
  width,
  dashed,
}: {
  project: Project;
  centre: Mm;
  size: number;
  colour: string;
  width: number;
  dashed?: boolean;
}): JSX.Element {
  const path = edges(centre, size)
    .map(([from, to]) => {
      const [a, b] = [project(from), project(to)];
      return `M${a.x.toFixed(1)} ${a.y.toFixed(1)}L${b.x.toFixed(1)} ${b.y.toFixed(1)}`;
    })
    .join("");
  return (
    <path
      d={path}
      fill="none"
      stroke={colour}
      stroke-width={width}
      {...(dashed ? { "stroke-dasharray": "5 4" } : {})}
    />
  );
}

function SolidChunks({
  project,
  look,
  pair,
}: {
  project: Project;
  look: LookResponse;
  pair: Pair;
}): JSX.Element | null {
  const found = chunksOf(look, pair);
  if (!found) return null;
  const { size } = found;
  const draw = (centre: Mm, value: number | null, dashed: boolean): ComponentChildren => (
    <Edges project={project} centre={centre} size={size} colour={similarity(value)} width={1.8} dashed={dashed} />
  );
  return (
    <g>
      {draw(found.distant.i_centre_mm, found.distant_similarity, true)}
      {draw(found.distant.j_centre_mm, found.distant_similarity, true)}
      {draw(found.adjacent.i_centre_mm, found.adjacent_similarity, false)}
      {draw(found.adjacent.j_centre_mm, found.adjacent_similarity, false)}
    </g>
  );
}

function Arrows({
  project,
  look,
  chosen,
  pair,
}: Pick<Solid, "project" | "look" | "chosen" | "pair">): JSX.Element | null {
  const from = pair ? pair[0] : chosen;
  const start = look?.centres_mm[from];
  if (!look || !start) return null;
  return (
    <g>
      {look.centres_mm.map((_, to) => {
        const gap = to === from ? null : pairOf(look, [from, to]);
        if (!gap) return null;
        const faint = pair !== null && to !== pair[1];
        return (
          <g data-arrow={`${from}-${to}`} key={to}>
            <Arrow from={project(start)} to={project(add(start, gap.true))} truth faint={faint} px={1} />
            <Arrow from={project(start)} to={project(add(start, gap.predicted))} faint={faint} px={1} />
          </g>
        );
      })}
    </g>
  );
}

function Played({ project, leg }: { project: Project; leg: Leg }): JSX.Element {
  const draw = (places: readonly Mm[], truth: boolean): ComponentChildren =>
    places
      .slice(1)
      .map((to, n) => <Arrow key={n} from={project(places[n] ?? to)} to={project(to)} truth={truth} px={1} />);
  const end = leg.predicted.at(-1);
  return (
    <g>
      {draw(leg.true, true)}
      {draw(leg.predicted, false)}
      {end ? <Cross at={project(end)} colour={FILM.model} size={5} px={1} turned /> : null}
    </g>
  );
}
