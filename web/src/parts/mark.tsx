/** Marks drawn over film: boxes, arrows, crosses. Attributes only, no style sheet, so that a picture can be saved. */

import type { JSX } from "preact";
import { FILM } from "../colours.ts";
import type { Rectangle } from "../geometry/boxes.ts";
import type { Placed, Point } from "../geometry/labels.ts";

/** `px` is the size of a screen pixel in the drawing's own unit. */
interface Drawn {
  px: number;
}

interface BoxProps extends Drawn {
  at: Rectangle;
  colour: string;
  width: number;
  dashed?: boolean;
  faint?: boolean;
  fill?: number;
}

export function Box({ at, colour, width, dashed, faint, fill, px }: BoxProps): JSX.Element {
  return (
    <rect
      {...at}
      rx={2 * px}
      fill={colour}
      fill-opacity={fill ?? 0}
      stroke={colour}
      stroke-width={width * px}
      stroke-opacity={faint ? 0.4 : 1}
      {...(dashed ? { "stroke-dasharray": `${5 * px} ${3.5 * px}` } : {})}
    />
  );
}

/** White letters with a black rim read on any film. */
export function Label({ at, px, colour }: Drawn & { at: Placed; colour?: string }): JSX.Element {
  return (
    <text
      x={at.x}
      y={at.y}
      font-size={at.size}
      font-weight="700"
      font-family="system-ui, sans-serif"
      fill={colour ?? "#ffffff"}
      stroke="#000000"
      stroke-width={3 * px}
      paint-order="stroke"
    >
      {at.text}
    </text>
  );
}

/** An arrow: whole for what the model says, dashed and with an open head for the truth. */
export function Arrow({
  from,
  to,
  truth,
  faint,
  px,
}: Drawn & { from: Point; to: Point; truth?: boolean; faint?: boolean }): JSX.Element {
  const colour = truth ? FILM.truth : FILM.model;
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const [ux, uy] = length > 0 ? [(to.x - from.x) / length, (to.y - from.y) / length] : [0, 0];
  const head = Math.min(9 * px, length / 2);
  const side = (way: number): string =>
    `${to.x - head * ux + way * head * 0.5 * uy},${to.y - head * uy - way * head * 0.5 * ux}`;
  return (
    <g
      stroke={colour}
      stroke-opacity={faint ? 0.35 : 1}
      stroke-width={(faint ? 1.2 : 2.2) * px}
      fill="none"
      stroke-linecap="round"
    >
      <line
        x1={from.x}
        y1={from.y}
        x2={to.x}
        y2={to.y}
        {...(truth ? { "stroke-dasharray": `${4 * px} ${4 * px}` } : {})}
      />
      {truth ? (
        <polyline points={`${side(1)} ${to.x},${to.y} ${side(-1)}`} />
      ) : (
        <polygon points={`${side(1)} ${to.x},${to.y} ${side(-1)}`} fill={colour} fill-opacity={faint ? 0.35 : 1} />
      )}
    </g>
  );
}

export function Cross({
  at,
  colour,
  size,
  px,
  turned,
}: Drawn & { at: Point; colour: string; size: number; turned?: boolean }): JSX.Element {
  const r = size * px;
  const arms = turned
    ? `M${at.x - r} ${at.y - r}L${at.x + r} ${at.y + r}M${at.x - r} ${at.y + r}L${at.x + r} ${at.y - r}`
    : `M${at.x - r} ${at.y}H${at.x + r}M${at.x} ${at.y - r}V${at.y + r}`;
  return (
    <g fill="none" stroke-linecap="round">
      <path d={arms} stroke="#000000" stroke-width={5 * px} />
      <path d={arms} stroke={colour} stroke-width={2.5 * px} />
    </g>
  );
}

/** Cross hairs that leave open what they point at, `hole` wide to either side. */
export function Sight({
  at,
  colour,
  hole,
  faint,
  px,
}: Drawn & { at: Point; colour: string; hole?: number; faint?: boolean }): JSX.Element {
  const near = hole ?? 4 * px;
  const far = near + 7 * px;
  const arms = [-1, 1].map(
    (way) => `M${at.x + way * near} ${at.y}H${at.x + way * far}M${at.x} ${at.y + way * near}V${at.y + way * far}`,
  );
  return (
    <g fill="none" opacity={faint ? 0.35 : 1}>
      <path d={arms.join("")} stroke="#000000" stroke-width={4 * px} stroke-linecap="round" />
      <path d={arms.join("")} stroke={colour} stroke-width={2 * px} stroke-linecap="round" />
    </g>
  );
}

/** A circle, `radius` in the drawing's own unit, and its middle. */
export function Ring({ at, radius, colour, px }: Drawn & { at: Point; radius: number; colour: string }): JSX.Element {
  return (
    <g fill="none" data-ring={radius}>
      <circle cx={at.x} cy={at.y} r={radius} stroke="#000000" stroke-width={3.5 * px} stroke-opacity="0.7" />
      <circle cx={at.x} cy={at.y} r={radius} stroke={colour} stroke-width={1.75 * px} />
      <circle cx={at.x} cy={at.y} r={1.6 * px} fill={colour} stroke="#000000" stroke-width={0.8 * px} />
    </g>
  );
}
