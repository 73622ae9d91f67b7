/** Which scan, which checkpoint, which views; and what a click in a plane does. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { choose, draw, removeView, useScan } from "../actions.ts";
import { number, steps } from "../format.ts";
import { Hint } from "../parts/hint.tsx";
import { foremost } from "../standing.ts";
import { HAND_VIEWS } from "../link.ts";
import { centres, change, chosen, clicking, failure, run, scans, state } from "../state.ts";
import type { ScanFacts } from "../api-types.ts";
import { RunPicker } from "./runpicker.tsx";

const SPLITS: Record<string, string> = {
  test: "held out (test)",
  val: "held out (validation)",
  train: "used for training",
};
const CLICKS = { add: "adds a view", move: "moves the chosen view", look: "only looks" } as const;

export const failed = (problem: unknown): void => {
  failure.value = problem instanceof Error ? problem : new Error(String(problem));
};

export function ScanPicker({
  value,
  label,
  onPick,
  without,
}: {
  value: string;
  label: string;
  onPick: (id: string) => void;
  without?: string;
}): JSX.Element {
  const groups = new Map<string, ScanFacts[]>();
  for (const scan of scans.value)
    if (scan.id !== without) groups.set(scan.split, [...(groups.get(scan.split) ?? []), scan]);
  return (
    <label class="field">
      {label}{" "}
      <select value={value} onChange={(event) => onPick(event.currentTarget.value)} data-pick={label}>
        {[...groups].map(([split, members]) => (
          <optgroup key={split} label={SPLITS[split] ?? split}>
            {members.map((scan) => (
              <option key={scan.id} value={scan.id}>
                {scan.id}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
    </label>
  );
}

export function Pickers({ withStep = true }: { withStep?: boolean }): JSX.Element {
  return (
    <div class="bar">
      <ScanPicker label="Scan" value={state.value.scan} onPick={(id) => void useScan(id).catch(failed)} />
      {withStep ? <RunPicker /> : null}
      {withStep ? (
        <label class="field">
          Model at{" "}
          <select
            value={state.value.step ?? ""}
            onChange={(event) =>
              change({ step: event.currentTarget.value === "" ? null : Number(event.currentTarget.value) })
            }
          >
            <option value="">{run.value ? foremost(run.value) : ""}</option>
            {run.value?.steps.map((step) => (
              <option key={step} value={step}>
                {steps(step)}
              </option>
            ))}
          </select>
        </label>
      ) : null}
    </div>
  );
}

export function Views(): JSX.Element {
  const [count, setCount] = useState(3);
  const [seed, setSeed] = useState(2);
  const drawSome = (): void => {
    setSeed(seed + 1);
    draw(count, seed).catch(failed);
  };
  return (
    <div class="views" data-tour="views">
      <div class="bar" role="group" aria-label="Views">
        {centres.value.map((centre, view) => (
          <span class={view === chosen.value ? "view picked" : "view"} key={view}>
            <button
              type="button"
              aria-pressed={view === chosen.value}
              onClick={() => choose(view)}
              title={`centre ${centre.map((value) => number(value)).join(", ")} mm`}
              aria-keyshortcuts={view < HAND_VIEWS ? String(view + 1) : undefined}
            >
              View {view + 1}
            </button>
            {centres.value.length > 2 ? (
              <button
                type="button"
                class="drop"
                aria-label={`Remove view ${view + 1}`}
                onClick={() => removeView(view)}
              >
                ×
              </button>
            ) : null}
          </span>
        ))}
        <span class="together">
          <button type="button" class="main" data-do="draw" onClick={drawSome}>
            Draw some <Hint of="D" />
          </button>
          <label class="field">
            <span class="hidden">How many views to draw</span>
            <select
              value={count}
              onChange={(event) => setCount(Number(event.currentTarget.value))}
              aria-label="How many views to draw"
            >
              {Array.from({ length: HAND_VIEWS - 1 }, (_, n) => (
                <option key={n} value={n + 2}>
                  {n + 2}
                </option>
              ))}
            </select>
          </label>
        </span>
      </div>
      <div class="bar clicks" role="radiogroup" aria-label="What a click in a plane does">
        <span class="quiet">A click in a plane</span>
        {Object.entries(CLICKS).map(([value, title]) => (
          <button
            type="button"
            role="radio"
            key={value}
            aria-checked={clicking.value === value}
            onClick={() => (clicking.value = value as keyof typeof CLICKS)}
          >
            {title}
          </button>
        ))}
      </div>
      <p class="quiet small keys-line">
        <Hint of="1" /> to <Hint of={String(Math.min(HAND_VIEWS, centres.value.length))} /> choose a view,{" "}
        <Hint of="←" /> <Hint of="→" /> <Hint of="↑" /> <Hint of="↓" /> <Hint of="Page up" /> <Hint of="Page down" />{" "}
        move it, with <Hint of="Shift" /> ten voxels.
      </p>
    </div>
  );
}
