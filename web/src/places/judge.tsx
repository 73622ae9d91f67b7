/** Judge: the verdict with its evidence, the honesty probes, where the errors are, and the worst cases first. */

import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import * as api from "../api.ts";
import { placeAll, show, spoil } from "../actions.ts";
import { AXES, count, mm, number, percent } from "../format.ts";
import { PROBES } from "../link.ts";
import { SPOILED } from "../panels/spoil.tsx";
import { Problem } from "../parts/problem.tsx";
import { Sign } from "../parts/verdict.tsx";
import { change, run, runs, scans, state } from "../state.ts";
import type { Judged, Probe, Worst } from "../types.ts";

const judged = signal<ReadonlyMap<string, Judged | Error>>(new Map());
const SHOWN = 12;
const all = signal(false);

function read(key: string): void {
  if (judged.peek().has(key)) return;
  const keep = (value: Judged | Error): void => {
    judged.value = new Map([...judged.peek(), [key, value]]);
  };
  api.judge(key).then(keep, keep);
}

export function Judge(): JSX.Element {
  const key = run.value?.key ?? "a";
  useEffect(() => read(key), [key]);
  const answer = judged.value.get(key);
  return (
    <div class="judge">
      {runs.value.length > 1 ? (
        <label class="field">Run{" "}
          <select value={key} onChange={(event) => change({ run: event.currentTarget.value, step: null })}>
            {runs.value.map((each) => <option key={each.key} value={each.key}>{each.name}</option>)}
          </select>
        </label>
      ) : null}
      {answer instanceof Error ? <Problem error={answer} /> : answer ? <Findings judged={answer} /> : <p class="loading">Reading the evaluation …</p>}
    </div>
  );
}

function Findings({ judged: found }: { judged: Judged }): JSX.Element {
  if (!found.evaluation) {
    return <p class="intro">This run has not been evaluated yet. <code>orienteer evaluate RUN</code> writes what is judged here.</p>;
  }
  return (
    <>
      {found.verdict ? (
        <section class="panel" aria-label="Evidence">
          <h3><Sign label={found.verdict.label} /> Why this verdict <span class="term">evaluation “{found.evaluation}”</span></h3>
          <p class="words">{found.verdict.sentence}</p>
          <ul class="evidence">{found.verdict.evidence.map((line) => <li key={line}>{line}</li>)}</ul>
        </section>
      ) : null}
      <Probes found={found} />
      <div class="two-up">
        <Bars title="Error by distance" look="How far off, for views this far apart" rows={found.by_distance.map((row) => ({ name: `${number(row.low_mm, 0)}–${number(row.high_mm, 0)} mm`, value: row.error_mm, n: row.n }))} />
        <Bars title="Error by region" look="How far off, for arrows that start in this part of the body" rows={found.by_region.map((row) => ({ name: region(row.axis, row.low, row.high), value: row.error_mm, n: row.n }))} />
      </div>
      <WorstCases worst={found.worst} />
    </>
  );
}

const AXIS_NAMES: Record<string, string> = { r: AXES[0], a: AXES[1], s: AXES[2], "0": AXES[0], "1": AXES[1], "2": AXES[2] };
const region = (axis: string | number, low: number, high: number): string =>
  `${AXIS_NAMES[String(axis).toLowerCase()] ?? axis}, ${percent(low)}–${percent(high)}`;

function Probes({ found }: { found: Judged }): JSX.Element {
  const most = Math.max(...Object.values(found.probes).map((row) => row.gap_error_mm ?? 0), 1);
  const rows: { key: string; title: string; probe: Probe | null }[] = [
    { key: "real", title: "The views as they are", probe: null },
    ...PROBES.map((probe) => ({ key: probe, title: `${SPOILED[probe].title}: ${SPOILED[probe].what}`, probe })),
    { key: "chance", title: "Guessing, without looking", probe: null },
  ];
  const tryIt = (probe: Probe | null): void => {
    spoil(probe, null);
    show("explore");
  };
  return (
    <section class="panel" aria-label="Honesty probes">
      <h3>Is it really looking? <span class="term">honesty probes</span></h3>
      <p class="quiet small">Average error on the whole evaluation when the views are spoiled. A model that reads anatomy must do badly without it.</p>
      <div class="scroll">
        <table class="grid bars">
          <thead><tr><th scope="col">what it is shown</th><th scope="col" colSpan={2}>off by, on average</th><th scope="col"><span class="hidden">Try it</span></th></tr></thead>
          <tbody>
            {rows.filter(({ key }) => found.probes[key]).map(({ key, title, probe }) => (
              <tr key={key}>
                <th scope="row">{title}</th>
                <td class="num" data-value={`probe-${key}`}>{mm(found.probes[key]?.gap_error_mm)}</td>
                <td class="bar-cell"><Bar share={(found.probes[key]?.gap_error_mm ?? 0) / most} plain={key !== "real"} /></td>
                <td>{key === "chance" ? null : <button type="button" data-try={key} onClick={() => tryIt(probe)}>Try it</button>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Bar({ share, plain }: { share: number; plain?: boolean }): JSX.Element {
  return <span class={plain ? "bar-track plain" : "bar-track"} aria-hidden="true"><i style={{ width: `${Math.min(100, 100 * share)}%` }} /></span>;
}

function Bars({ title, look, rows }: { title: string; look: string; rows: { name: string; value: number; n: number }[] }): JSX.Element {
  const most = Math.max(...rows.map((row) => row.value), 1e-9);
  return (
    <section class="panel" aria-label={title}>
      <h3>{title}</h3>
      <p class="quiet small">{look}.</p>
      <table class="grid bars">
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <th scope="row">{row.name}</th>
              <td class="num" title={count(row.n, "pair")}>{mm(row.value)}</td>
              <td class="bar-cell"><Bar share={row.value / most} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function WorstCases({ worst }: { worst: Worst[] }): JSX.Element {
  const openCase = (each: Worst): void => {
    const scan = scans.peek().find((known) => known.id === each.scan);
    if (!scan) return;
    spoil(null, null);
    if (state.peek().step !== null) change({ step: null });
    placeAll(scan, each.centres_mm, [each.view_i, each.view_j]);
    show("explore");
  };
  return (
    <section class="panel" aria-label="Worst cases">
      <h3>Worst cases first</h3>
      <p class="quiet small">The pairs of views it got most wrong. Open one to see it in the scan.</p>
      <div class="scroll">
        <table class="grid">
          <thead><tr><th scope="col">off by</th><th scope="col">scan</th><th scope="col">pair</th><th scope="col"><span class="hidden">Open</span></th></tr></thead>
          <tbody>
            {worst.slice(0, all.value ? undefined : SHOWN).map((each, n) => (
              <tr key={n}>
                <td class="num">{mm(each.error_mm)}</td><td>{each.scan}</td><td>view {each.view_i + 1} → {each.view_j + 1}</td>
                <td><button type="button" data-worst={n} onClick={() => openCase(each)} aria-label={`Open case ${n + 1}, ${mm(each.error_mm)} off, in the scan`}>Open</button></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {worst.length > SHOWN ? <button type="button" class="plain" onClick={() => (all.value = !all.value)}>{all.value ? "Show fewer" : `Show all ${worst.length}`}</button> : null}
    </section>
  );
}
