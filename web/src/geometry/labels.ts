/** Where letters go in a picture: each as near as can be to where it is wanted, none on another one. */

import type { Rectangle } from "./boxes.ts";
import { letters, type Frame } from "./planes.ts";

export interface Point {
  x: number;
  y: number;
}

/** Bold letters of a height, from the left end of their base line. */
export interface Letters {
  text: string;
  size: number;
}
export type Placed = Letters & Point;
/** Letters with the points where they may stand, the best first. */
export type Wanted = Letters & { at: readonly [Point, ...Point[]] };

/** What letters cover, with the rim around them. */
export function covered({ text, size, x, y }: Placed): Rectangle {
  return { x: x - 0.1 * size, y: y - 0.95 * size, width: (0.75 * text.length + 0.2) * size, height: 1.2 * size };
}

const apart = (a: Rectangle, b: Rectangle): boolean =>
  a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;

const TURNS = 16;
const RINGS = 40;

/** Places all of `wanted` in turn, away from `taken` and from each other, in a picture of `width` x `height`. */
export function layOut(
  wanted: readonly Wanted[],
  taken: readonly Placed[],
  { width, height }: { width: number; height: number },
): Placed[] {
  const full = taken.map(covered);
  return wanted.map(({ text, size, at }) => {
    const inside = ({ x, y }: Point): Placed => {
      const box = covered({ text, size, x: 0, y: 0 });
      const [right, low] = [width - box.x - box.width, height - box.y - box.height];
      return { text, size, x: Math.max(-box.x, Math.min(right, x)), y: Math.max(-box.y, Math.min(low, y)) };
    };
    const free = (place: Placed): boolean => full.every((box) => apart(box, covered(place)));
    const spots = [...at, ...around(at[0], size / 3)].map(inside);
    const spot = spots.find(free) ?? inside(at[0]);
    full.push(covered(spot));
    return spot;
  });
}

/** Points around `middle`, nearest first. */
function around({ x, y }: Point, step: number): Point[] {
  return Array.from({ length: RINGS * TURNS }, (_, n) => {
    const [far, angle] = [step * (1 + Math.floor(n / TURNS)), (2 * Math.PI * (n % TURNS)) / TURNS];
    return { x: x + far * Math.cos(angle), y: y + far * Math.sin(angle) };
  });
}

/** The letters at the four edges of a plane's picture; `px` is the size of a screen pixel in mm. */
export function edgeLetters(frame: Frame, px: number): Placed[] {
  const { left, right, top, bottom } = letters(frame);
  const middle = { x: frame.width / 2 - 4 * px, y: frame.height / 2 + 4 * px };
  const size = 11 * px;
  return [
    { text: left, size, x: 4 * px, y: middle.y },
    { text: right, size, x: frame.width - 12 * px, y: middle.y },
    { text: top, size, x: middle.x, y: 13 * px },
    { text: bottom, size, x: middle.x, y: frame.height - 4 * px },
  ];
}

/** The inner corners of a box, where its name may stand: top left first. */
export function corners(box: Rectangle, text: string, size: number): [Point, ...Point[]] {
  const [left, top] = [box.x + 0.3 * size, box.y + 1.08 * size];
  const [right, low] = [box.x + box.width - (0.75 * text.length + 0.3) * size, box.y + box.height - 0.4 * size];
  return [
    { x: left, y: top },
    { x: right, y: top },
    { x: left, y: low },
    { x: right, y: low },
  ];
}
