/** The curves of every run, and news of those still training. */

import { signal } from "@preact/signals";
import * as api from "./api.ts";
import { session } from "./state.ts";
import type { Curve, History, LiveResponse } from "./api-types.ts";

const EVERY_MS = 3000;

export const histories = signal<ReadonlyMap<string, History>>(new Map());

export async function readHistory(run: string): Promise<void> {
  if (histories.peek().has(run)) return;
  const history = await api.history(run).catch(() => null);
  if (history) histories.value = new Map([...histories.peek(), [run, history]]);
}

/** `more` joined to what is known; points known already are not taken twice. */
export function joined(known: History, more: History): History {
  const result: History = { ...known };
  for (const [task, measures] of Object.entries(more)) {
    const kept: Record<string, Curve> = { ...result[task] };
    for (const [name, curve] of Object.entries(measures)) {
      const before = kept[name];
      kept[name] = before
        ? { ...curve, points: after(before.points, curve.points), train: after(before.train, curve.train) }
        : curve;
    }
    result[task] = kept;
  }
  return result;
}

function after(known: Curve["points"], more: Curve["points"]): Curve["points"] {
  const last = known.at(-1)?.[0] ?? -1;
  return [...known, ...more.filter(([step]) => step > last)];
}

/** Asks for news of runs that have not ended, for as long as the page is open and in sight. */
export function follow(): void {
  const latest = new Map<string, number>();
  setInterval(() => {
    if (document.hidden) return;
    for (const run of session.peek()?.runs ?? []) if (!run.finished) void ask(run.key, latest);
  }, EVERY_MS);
}

async function ask(run: string, latest: Map<string, number>): Promise<void> {
  const news = await api.live(run, latest.get(run) ?? -1).catch(() => null);
  if (!news) return;
  latest.set(run, news.run.step);
  take(run, news);
}

function take(key: string, news: LiveResponse): void {
  const known = histories.peek().get(key);
  if (known) histories.value = new Map([...histories.peek(), [key, joined(known, news.history)]]);
  const current = session.peek();
  if (!current) return;
  session.value = { ...current, runs: current.runs.map((run) => (run.key === key ? news.run : run)) };
}
