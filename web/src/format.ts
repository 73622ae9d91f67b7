/** Numbers as people read them: one way for each unit, the true minus sign, never a number without its unit. */

import type { Mm } from "./geometry/vector.ts";

export const AXES = ["left – right", "back – front", "down – up"] as const;
const WAYS = [
  ["left", "right"],
  ["back", "forward"],
  ["down", "up"],
] as const;

/** A plain number; a zero never carries a sign. */
export function number(value: number | null | undefined, digits = 1): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const text = value.toFixed(digits);
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text.replace("-", "−");
}

export const mm = (value: number | null | undefined): string => `${number(value)} mm`;
export const degrees = (value: number | null | undefined): string => `${number(value)}°`;
export const percent = (value: number | null | undefined, digits = 0): string =>
  value === null || value === undefined ? "–" : `${number(value * 100, digits)} %`;

/** A measure with the unit the records give it. */
export function measured(value: number | null | undefined, unit: string): string {
  if (unit === "mm") return mm(value);
  if (unit === "deg") return degrees(value);
  if (unit === "fraction") return percent(value, 1);
  return `${number(value, 2)}${unit === "1" || unit === "" ? "" : ` ${unit}`}`;
}

/** "48.0 mm right, 3.0 mm back, 12.0 mm up" */
export function inWords(gap: Mm): string {
  return WAYS.map(([less, more], axis) => {
    const value = gap[axis] ?? 0;
    return `${mm(Math.abs(value))} ${value < 0 ? less : more}`;
  }).join(", ");
}

/** A position in the world, broken between axes only: "R −12.5, A 8.0, S 31.0 mm" */
export const inSpace = (place: Mm): string =>
  `${["R", "A", "S"].map((axis, n) => `${axis}\u00a0${number(place[n])}`).join(", ")}\u00a0mm`;

/** A title within a sentence; an abbreviation stays as it is. */
export const inSentence = (title: string): string =>
  /^.[A-Z]/.test(title) ? title : title.charAt(0).toLowerCase() + title.slice(1);
export const sentence = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);
export const viewName = (index: number): string => `view ${index + 1}`;
export const pathName = (path: readonly number[]): string => path.map((view) => view + 1).join(" → ");
export const steps = (step: number): string => `step ${step.toLocaleString("en-GB")}`;
export const count = (n: number, one: string, more = `${one}s`): string =>
  `${n.toLocaleString("en-GB")} ${n === 1 ? one : more}`;
