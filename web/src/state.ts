/** Everything the page knows, in one place. Parts of the page read signals and call the actions of actions.ts. */

import { computed, effect, signal } from "@preact/signals";
import * as api from "./api.ts";
import { encode, type State } from "./link.ts";
import { Newest } from "./newest.ts";
import type { Volume } from "./scan/nifti.ts";
import { received } from "./scan/received.ts";
import type { LookRequest, LookResponse, ProbeCard, RunFacts, ScanFacts, SessionResponse } from "./api-types.ts";

export const session = signal<SessionResponse | null>(null);
export const failure = signal<Error | null>(null);

const NOWHERE: State = {
  tab: "explore",
  run: "a",
  step: null,
  scan: "",
  centres: [],
  view: 0,
  pair: [0, 1],
  at: [0, 0, 0],
  route: 0,
  probe: null,
  probeView: null,
  point: null,
  target: null,
};

/** What a link remembers. */
export const state = signal<State>(NOWHERE);

export function change(patch: Partial<State>): void {
  state.value = { ...state.value, ...patch };
}

/** One value of the state, which wakes only what reads it. */
const pick = <Name extends keyof State>(name: Name) => computed<State[Name]>(() => state.value[name]);
export const tab = pick("tab");
export const centres = pick("centres");
export const chosen = pick("view");
export const pair = pick("pair");
export const slice = pick("at");

export const runs = computed<readonly RunFacts[]>(() => session.value?.runs ?? []);
export const run = computed<RunFacts | null>(
  () => runs.value.find((r) => r.key === state.value.run) ?? runs.value[0] ?? null,
);
export const scans = computed<readonly ScanFacts[]>(() => session.value?.scans ?? []);
export const scan = computed<ScanFacts | null>(() => scans.value.find((s) => s.id === state.value.scan) ?? null);

export const probes = computed<readonly ProbeCard[]>(() => session.value?.probes ?? []);

/** The voxels of the scans opened last, by id. */
export const volumes = signal<ReadonlyMap<string, Volume>>(new Map());
export const volume = computed<Volume | null>(() => volumes.value.get(state.value.scan) ?? null);

/** What clicking in a plane does. */
export const clicking = signal<"add" | "move" | "look">("add");

/** A moved view is worth seeing on its way; another scan, run or number of views is not. */
const close = (a: LookRequest, b: LookRequest): boolean =>
  a.run === b.run && a.scan === b.scan && a.probe === b.probe && a.centres_mm.length === b.centres_mm.length;

const asker = (keep?: number): Newest<LookRequest, LookResponse> => new Newest(api.look, close, keep);

type Askers = (run: string) => Newest<LookRequest, LookResponse>;

function askers(): Askers {
  const byRun = new Map<string, Newest<LookRequest, LookResponse>>();
  return (run) => {
    const known = byRun.get(run) ?? asker();
    byRun.set(run, known);
    return known;
  };
}

/** The model's answer to the views as they are, by run; to spoiled ones; and by run at the step being replayed. */
export const lookOf: Askers = askers();
export const spoiled = asker(16); // with the voxels of the views, so fewer are kept
export const replayOf: Askers = askers();

/** The answer shown everywhere: spoiled views where a probe is on. */
export const look = computed<LookResponse | null>(() => {
  const current = run.value;
  if (!current) return null;
  const asked = state.value.probe ? spoiled : lookOf(current.key);
  const answer = asked.shown.value?.answer ?? null;
  const fits = answer?.scan === state.value.scan && answer.centres_mm.length === state.value.centres.length;
  return fits ? answer : null;
});

/** In 3D the scan around spoiled views is this faint, or it would hide them. */
const AROUND = 0.3;

/** Where views are spoiled, the scan with them in it as the model received them. */
export const spoilt = computed<{ planes: Volume; solid: Volume } | null>(() => {
  const [scan, answer] = [volume.value, look.value];
  if (!scan || !answer || answer.images === null) return null;
  const views = { ...answer, images: answer.images };
  const [planes, solid] = [1, AROUND].map((rest) => received(scan, views, answer.probe_view, rest));
  return planes && solid ? { planes, solid } : null;
});

export const intact = computed<LookResponse | null>(() =>
  run.value ? (lookOf(run.value.key).shown.value?.answer ?? null) : null,
);
export const waiting = computed<boolean>(() => {
  const current = run.value;
  return (current ? lookOf(current.key).busy.value : false) || (state.value.probe !== null && spoiled.busy.value);
});
export const lookError = computed<Error | null>(
  () => (run.value ? lookOf(run.value.key).error.value : null) ?? spoiled.error.value,
);

/** True while everything asked at the place one is at has its answer. */
export const settled = computed<boolean>(() => {
  const answered = ({ busy, shown, error }: Newest<LookRequest, LookResponse>): boolean =>
    !busy.value && (shown.value ?? error.value) !== null;
  if (tab.value === "learn") return runs.value.every((each) => answered(replayOf(each.key)));
  return !waiting.value && (look.value !== null || lookError.value !== null);
});

/** Keeps the address up to date, a little after the last change. */
export function rememberInAddress(): void {
  let timer = 0;
  effect(() => {
    const fragment = encode(state.value);
    if (!session.value || !state.value.scan) return;
    clearTimeout(timer);
    timer = window.setTimeout(() => history.replaceState(null, "", `#${fragment}`), 120);
  });
}
