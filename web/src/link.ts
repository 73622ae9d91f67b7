/** The page's state as the part of its address behind the #, and back. A link never holds more than ids and numbers. */

import type { Mm } from "./geometry/vector.ts";

export const TABS = ["explore", "where", "learn", "judge"] as const;
export type Tab = (typeof TABS)[number];
export type Pair = readonly [number, number];
/** As many as a run may have: a case of it has them all. */
export const MOST_VIEWS = 16;
/** As many as are placed or drawn by hand; more could not be told apart. */
export const HAND_VIEWS = 6;

export interface State {
  tab: Tab;
  run: string;
  /** A kept checkpoint; null is the best one. */
  step: number | null;
  scan: string;
  centres: readonly Mm[];
  /** The view that keys and clicks move. */
  view: number;
  pair: Pair | null;
  /** The slices shown. */
  at: Mm;
  route: number;
  /** What is done to the views before the model sees them, by name. */
  probe: string | null;
  /** The view that is spoiled; null means all of them. */
  probeView: number | null;
  /** Where am I?: the point, and the scan it is looked for in. */
  point: Mm | null;
  target: string | null;
}

const round = (value: number): string => String(Math.round(value * 1000) / 1000);
const triple = (place: Mm): string => place.map(round).join(",");

export function encode(state: State): string {
  const parts = new URLSearchParams({ s: state.tab, run: state.run, scan: state.scan, at: triple(state.at) });
  parts.set("centres", state.centres.map(triple).join(";"));
  parts.set("view", String(state.view));
  if (state.step !== null) parts.set("step", String(state.step));
  if (state.pair) parts.set("pair", state.pair.join(","));
  if (state.route > 0) parts.set("route", String(state.route));
  if (state.probe) parts.set("probe", state.probe);
  if (state.probe && state.probeView !== null) parts.set("spoiled", String(state.probeView));
  if (state.point) parts.set("point", triple(state.point));
  if (state.target) parts.set("target", state.target);
  return parts.toString().replaceAll("%2C", ",").replaceAll("%3B", ";");
}

/** What of a link makes sense; the rest is left out, whoever wrote it. */
export function decode(fragment: string): Partial<State> {
  const parts = new URLSearchParams(fragment.replace(/^#/, ""));
  const state: Partial<State> = {};
  const tab = TABS.find((name) => name === parts.get("s"));
  if (tab === undefined) return state;
  state.tab = tab;
  const text = (name: "run" | "scan" | "target"): void => {
    const value = parts.get(name);
    if (value) state[name] = value;
  };
  text("run");
  text("scan");
  text("target");
  const centres = (parts.get("centres") ?? "")
    .split(";")
    .map(place)
    .filter((each) => each !== null);
  if (centres.length >= 2 && centres.length <= MOST_VIEWS) state.centres = centres;
  const [at, point] = [place(parts.get("at")), place(parts.get("point"))];
  if (at) state.at = at;
  if (point) state.point = point;
  const [step, view, route, spoiled] = ["step", "view", "route", "spoiled"].map((name) => whole(parts.get(name)));
  if (step !== undefined) state.step = step;
  if (view !== undefined) state.view = view;
  if (route !== undefined) state.route = route;
  const [i, j] = (parts.get("pair") ?? "").split(",").map(whole);
  if (i !== undefined && j !== undefined && i !== j) state.pair = [i, j];
  const probe = /^[\w-]{1,100}$/.exec(parts.get("probe") ?? "")?.[0];
  if (probe) state.probe = probe;
  if (probe && spoiled !== undefined) state.probeView = spoiled;
  return state;
}

function place(text: string | null): Mm | null {
  const [r, a, s, more] = (text ?? "").split(",").map((value) => (value.trim() === "" ? NaN : Number(value)));
  if (r === undefined || a === undefined || s === undefined || more !== undefined) return null;
  return [r, a, s].every((value) => Number.isFinite(value) && Math.abs(value) < 1e5) ? [r, a, s] : null;
}

function whole(text: string | null): number | undefined {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
