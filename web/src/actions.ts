/** What people can do to the state. Every action leaves it whole: views inside the scan, choices that exist. */

import { batch, effect, untracked } from "@preact/signals";
import * as api from "./api.ts";
import { settle } from "./geometry/boxes.ts";
import type { Grid, Plane } from "./geometry/planes.ts";
import { along, on, same } from "./geometry/vector.ts";
import { decode, HAND_VIEWS, type State, type Tab } from "./link.ts";
import { parse, type Volume } from "./scan/nifti.ts";
import * as store from "./state.ts";
import { change, state } from "./state.ts";
import type { LookRequest, ScanFacts } from "./api-types.ts";
import type { Mm } from "./geometry/vector.ts";
import type { Pair } from "./link.ts";

const KEPT_VOLUMES = 4;
const FIRST_VIEWS = 3;

/** Reads the session, then the state of the link, else a first set of views in the first held-out scan. */
export async function begin(): Promise<void> {
  const session = await api.session();
  const link = decode(location.hash);
  const scan = session.scans.find((s) => s.id === link.scan) ?? session.scans[0];
  const run = session.runs.find((r) => r.key === link.run) ?? session.runs[0];
  if (!scan || !run) throw new Error("This run has no scans to look at.");
  open(scan.id).catch(() => null); // meanwhile; keepLooking() asks again, and tells
  const centres = link.scan === scan.id && link.centres ? link.centres : await api.draw(scan.id, FIRST_VIEWS, 1);
  batch(() => {
    store.session.value = session;
    change({ ...link, run: run.key, scan: scan.id, ...views(scan, centres, run.view_mm) });
    if (link.step !== undefined && link.step !== null && !run.steps.includes(link.step)) change({ step: null });
    choose(Math.min(link.view ?? 0, centres.length - 1));
    if (!session.probes.some((probe) => probe.name === link.probe)) change({ probe: null, probeView: null });
    if (link.at) change({ at: link.at });
    if (link.pair && link.pair.every((view) => view < centres.length)) change({ pair: link.pair });
    if (!session.scans.some((s) => s.id === link.target)) change({ target: otherPerson(session.scans, scan) });
  });
}

const opening = new Map<string, Promise<Volume>>();

/** The scan itself, fetched once. */
export async function open(id: string): Promise<Volume> {
  const known = store.volumes.peek().get(id) ?? opening.get(id);
  if (known) return known;
  const fetched = api.scan(id, 0).then((bytes) => {
    const volume = parse(bytes);
    const kept = [...store.volumes.peek()].slice(-KEPT_VOLUMES + 1);
    store.volumes.value = new Map([...kept, [id, volume]]);
    return volume;
  });
  opening.set(id, fetched);
  return fetched.finally(() => opening.delete(id));
}

export const gridOf = (scan: ScanFacts): Grid => ({
  shape: scan.shape,
  spacing: scan.extent_mm.map((mm, axis) => mm / on(scan.shape, axis)) as unknown as Mm,
});

function views(scan: ScanFacts, centres: readonly Mm[], size: number): Pick<State, "centres"> {
  return { centres: centres.map((centre) => settle(gridOf(scan), size, centre)) };
}

/** The first held-out scan of somebody else. */
export function otherPerson(scans: readonly ScanFacts[], scan: ScanFacts): string | null {
  const other = scans.find((s) => s.id !== scan.id && (s.person === null || s.person !== scan.person));
  return (other ?? scans.find((s) => s.id !== scan.id))?.id ?? null;
}

export function show(tab: Tab): void {
  change({ tab });
}

/** Another scan: views are drawn in it, as many as there were. */
export async function useScan(id: string): Promise<void> {
  const scan = store.scans.peek().find((s) => s.id === id);
  if (!scan || id === state.peek().scan) return;
  const drawn = await api.draw(id, Math.max(2, state.peek().centres.length), 1);
  batch(() => {
    placeAll(scan, drawn);
    if (state.peek().target === id) change({ target: otherPerson(store.scans.peek(), scan) });
  });
}

/** Views at given places of a given scan, such as those of a bad case. */
export function placeAll(scan: ScanFacts, centres: readonly Mm[], pair: Pair = [0, 1]): void {
  batch(() => {
    const point = state.peek().scan === scan.id ? state.peek().point : null;
    change({
      scan: scan.id,
      ...views(scan, centres, store.run.peek()?.view_mm ?? 0),
      pair,
      route: 0,
      probeView: null,
      point,
    });
    choose(pair[0]);
  });
}

/** Some views, drawn as evaluation draws them. */
export async function draw(count: number, seed: number): Promise<void> {
  const scan = store.scan.peek();
  if (scan) placeAll(scan, await api.draw(scan.id, count, seed));
}

/** Chooses a view, and shows the slices through its centre. */
export function choose(view: number): void {
  const centre = state.peek().centres[view];
  if (centre) change({ view, at: centre });
}

export function choosePair(pair: Pair | null): void {
  batch(() => {
    change({ pair });
    if (pair) choose(pair[0]);
  });
}

/** Moves a view; the server has the last word on where it may lie, and says the same. */
export function move(view: number, centre: Mm): void {
  const scan = store.scan.peek();
  const size = store.run.peek()?.view_mm;
  const { centres } = state.peek();
  const now = centres[view];
  if (!scan || !size || !now) return;
  const settled = settle(gridOf(scan), size, centre);
  if (same(settled, now)) return;
  change({ centres: centres.map((old, k) => (k === view ? settled : old)), view });
}

/** Moves the chosen view by whole voxels along one axis, the slices with it. */
export function nudge(axis: number, voxels: number): void {
  const scan = store.scan.peek();
  const { view, centres } = state.peek();
  const centre = centres[view];
  if (!scan || !centre) return;
  move(view, along(centre, axis, on(centre, axis) + voxels * on(gridOf(scan).spacing, axis)));
  const moved = state.peek().centres[view];
  if (moved) change({ at: moved });
}

/** A new view, or where there are enough of them, the chosen one moved. */
export function addView(centre: Mm): void {
  const { centres, view } = state.peek();
  if (centres.length >= HAND_VIEWS) {
    move(view, centre);
    return;
  }
  const scan = store.scan.peek();
  const size = store.run.peek()?.view_mm;
  if (!scan || !size) return;
  const added = centres.length;
  change({
    centres: [...centres, settle(gridOf(scan), size, centre)],
    view: added,
    pair: [added - 1, added],
    route: 0,
  });
}

export function removeView(view: number): void {
  const { centres } = state.peek();
  if (centres.length <= 2) return;
  const left = centres.filter((_, k) => k !== view);
  change({ centres: left, view: Math.min(view, left.length - 1), pair: [0, 1], route: 0, probeView: null });
}

/** What a click at `place` does, as chosen. */
export function click(place: Mm): void {
  const doing = store.clicking.peek();
  if (doing === "add") addView(place);
  else if (doing === "move") move(state.peek().view, place);
  change({ at: doing === "look" ? place : (state.peek().centres[state.peek().view] ?? place) });
}

export function spoil(probe: string | null, view: number | null): void {
  change({ probe, probeView: probe ? view : null });
}

/** Shows the next slice of a plane. */
export function scroll(plane: Plane, slices: number, grid: Grid): void {
  const { through } = plane;
  const spacing = on(grid.spacing, through);
  const last = (on(grid.shape, through) - 1) * spacing;
  const mm = Math.min(last, Math.max(0, on(state.peek().at, through) + slices * spacing));
  change({ at: along(state.peek().at, through, mm) });
}

/** The axis and way of an arrow key in a plane: across or up the picture. */
export function keyStep(plane: Plane, key: string, mirrored: boolean): { axis: number; way: number } | null {
  if (key === "ArrowRight") return { axis: plane.across, way: mirrored ? -1 : 1 };
  if (key === "ArrowLeft") return { axis: plane.across, way: mirrored ? 1 : -1 };
  if (key === "ArrowUp") return { axis: plane.up, way: 1 };
  if (key === "ArrowDown") return { axis: plane.up, way: -1 };
  if (key === "PageUp") return { axis: plane.through, way: 1 };
  if (key === "PageDown") return { axis: plane.through, way: -1 };
  return null;
}

/** Keeps asking the model about the views as they change. */
export function keepLooking(): void {
  effect(() => {
    const run = store.run.value;
    const { tab, scan, step, centres, probe, probeView } = state.value;
    if (tab === "learn" || !run || !scan || centres.length < 2) return;
    const plain: LookRequest = {
      run: run.key,
      step: step ?? run.best_step,
      scan,
      centres_mm: centres,
      probe: null,
      probe_view: null,
    };
    untracked(() => {
      store.lookOf(run.key).ask(plain);
      if (probe) store.spoiled.ask({ ...plain, probe, probe_view: probeView });
      else store.spoiled.clear();
    });
  });
  effect(() => {
    const { scan } = state.value;
    if (scan) open(scan).catch((problem: Error) => (store.failure.value = problem));
  });
}
