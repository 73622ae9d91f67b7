/** What is drawn over a plane: views, the pair's chunks, arrows predicted and true, and the route being played. */

import type { ComponentChildren, JSX } from "preact";
import { FILM, similarity } from "../colours.ts";
import { cuts, laplaceReach, rectangle } from "../geometry/boxes.ts";
import { corners, edgeLetters, layOut } from "../geometry/labels.ts";
import { toPicture, type Frame } from "../geometry/planes.ts";
import { add, on } from "../geometry/vector.ts";
import { chunksOf, pairOf, type Leg } from "../looked.ts";
import type { LookResponse } from "../api-types.ts";
import type { Mm } from "../geometry/vector.ts";
import type { Pair } from "../link.ts";
import { Arrow, Box, Cross, Label } from "./mark.tsx";

export interface Drawing {
  frame: Frame;
  px: number;
  at: Mm;
  centres: readonly Mm[];
  size: number;
  look: LookResponse | null;
  chosen: number;
  pair: Pair | null;
  leg?: Leg | null;
}

export function Overlay(drawing: Drawing): JSX.Element {
  const { leg } = drawing;
  return (
    <g>
      <Slices {...drawing} />
      {leg ? null : <Chunks {...drawing} />}
      <Views {...drawing} />
      {leg ? <Route {...drawing} leg={leg} /> : <Gaps {...drawing} />}
    </g>
  );
}

/** Where the two other planes cut this one. */
function Slices({ frame, px, at }: Drawing): JSX.Element {
  const { x, y } = toPicture(frame, at);
  return (
    <path
      d={`M${x} 0V${frame.height}M0 ${y}H${frame.width}`}
      stroke="#8a98a6"
      stroke-width={px}
      stroke-opacity="0.45"
      stroke-dasharray={`${px} ${4 * px}`}
    />
  );
}

function Views({ frame, px, at, centres, size, chosen, pair }: Drawing): JSX.Element {
  const order = centres.map((_, view) => view).sort((a, b) => Number(a === chosen) - Number(b === chosen));
  const named = centres.map((centre, view) => {
    const [text, letters] = [String(view + 1), 13 * px];
    return { text, size: letters, at: corners(rectangle(frame, centre, size), text, letters) };
  });
  const names = layOut(named, edgeLetters(frame, px), frame);
  return (
    <g>
      {order.map((view) => {
        const centre = centres[view] as Mm;
        const box = rectangle(frame, centre, size);
        const picked = view === chosen;
        const faint = !cuts(frame, centre, size, at);
        const inPair = pair?.includes(view) ?? false;
        return (
          <g data-view={view} key={view}>
            <Box
              at={box}
              colour={picked ? FILM.chosen : FILM.box}
              width={picked ? 2.6 : inPair ? 1.8 : 1.1}
              faint={faint}
              px={px}
            />
            <circle
              cx={box.x + size / 2}
              cy={box.y + size / 2}
              r={(picked ? 5 : 4) * px}
              fill={picked ? "#ffffff" : "#0b0f14"}
              fill-opacity={faint ? 0.4 : 0.9}
              stroke="#ffffff"
              stroke-width={1.5 * px}
            />
          </g>
        );
      })}
      {names.map((name) => (
        <Label key={name.text} at={name} px={px} />
      ))}
    </g>
  );
}

/** The chunks of the chosen pair: adjacent whole, distant dashed, coloured by what the model finds alike. */
function Chunks({ frame, px, at, look, pair }: Drawing): JSX.Element | null {
  const found = pair && chunksOf(look, pair);
  if (!found) return null;
  const { size } = found;
  const draw = (centre: Mm, value: number | null, dashed: boolean, key: string): ComponentChildren => (
    <g data-chunk={key} key={key}>
      <Box
        at={rectangle(frame, centre, size)}
        colour={similarity(value)}
        width={2}
        fill={0.14}
        dashed={dashed}
        faint={!cuts(frame, centre, size, at)}
        px={px}
      />
    </g>
  );
  return (
    <g>
      {draw(found.distant.i_centre_mm, found.distant_similarity, true, "distant-i")}
      {draw(found.distant.j_centre_mm, found.distant_similarity, true, "distant-j")}
      {draw(found.adjacent.i_centre_mm, found.adjacent_similarity, false, "adjacent-i")}
      {draw(found.adjacent.j_centre_mm, found.adjacent_similarity, false, "adjacent-j")}
    </g>
  );
}

/** Arrows from the pair's first view (or the chosen one) to the others; the pair's own stands out. */
function Gaps({ frame, px, look, chosen, pair }: Drawing): JSX.Element | null {
  if (!look) return null;
  const from = pair ? pair[0] : chosen;
  const start = look.centres_mm[from];
  if (!start) return null;
  const others = look.centres_mm.map((_, view) => view).filter((view) => view !== from);
  others.sort((a, b) => Number(a === pair?.[1]) - Number(b === pair?.[1]));
  return (
    <g>
      {others.map((to) => {
        const gap = pairOf(look, [from, to]);
        if (!gap) return null;
        const faint = pair !== null && to !== pair[1];
        const tail = toPicture(frame, start);
        const head = toPicture(frame, add(start, gap.predicted));
        return (
          <g data-arrow={`${from}-${to}`} key={to}>
            {gap.scale && !faint ? <Doubt frame={frame} px={px} at={head} scale={gap.scale} /> : null}
            <Arrow from={tail} to={toPicture(frame, add(start, gap.true))} truth faint={faint} px={px} />
            <Arrow from={tail} to={head} faint={faint} px={px} />
          </g>
        );
      })}
    </g>
  );
}

/** How sure the model is: the truth should lie inside, along each axis, nine times in ten. */
function Doubt({
  frame,
  px,
  at,
  scale,
}: {
  frame: Frame;
  px: number;
  at: { x: number; y: number };
  scale: Mm;
}): JSX.Element {
  const reach = laplaceReach(0.9);
  return (
    <ellipse
      data-doubt=""
      cx={at.x}
      cy={at.y}
      rx={reach * on(scale, frame.plane.across)}
      ry={reach * on(scale, frame.plane.up)}
      fill={FILM.model}
      fill-opacity="0.18"
      stroke={FILM.model}
      stroke-width={px}
      stroke-opacity="0.7"
    />
  );
}

function Route({ frame, px, leg }: Drawing & { leg: Leg }): JSX.Element {
  const [believed, truth] = [leg.predicted, leg.true].map((places) => places.map((place) => toPicture(frame, place)));
  const [end, goal] = [believed?.at(-1), truth?.at(-1)];
  const line = (points: { x: number; y: number }[] | undefined, isTrue: boolean): ComponentChildren =>
    points?.slice(1).map((to, n) => <Arrow key={n} from={points[n] ?? to} to={to} truth={isTrue} px={px} />);
  return (
    <g data-leg={leg.done}>
      {line(truth, true)}
      {line(believed, false)}
      {end && goal ? (
        <line
          x1={end.x}
          y1={end.y}
          x2={goal.x}
          y2={goal.y}
          stroke={FILM.bad}
          stroke-width={2.5 * px}
          stroke-dasharray={`${2 * px} ${3 * px}`}
        />
      ) : null}
      {end ? <Cross at={end} colour={FILM.model} size={5} px={px} turned /> : null}
    </g>
  );
}
