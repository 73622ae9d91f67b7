/** Judge: the verdict with its evidence, the honesty probes, where the errors are, and the worst cases first. */

import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import * as api from "../api.ts";
import { number } from "../format.ts";
import { Bars, KeyFigures, Probes } from "../panels/bars.tsx";
import { RunPicker } from "../panels/runpicker.tsx";
import { WorstCases } from "../panels/worst.tsx";
import { Problem } from "../parts/problem.tsx";
import { NextSteps, Sign } from "../parts/verdict.tsx";
import { standing } from "../standing.ts";
import { run } from "../state.ts";
import type { JudgeResponse, NextStep, RunFacts } from "../api-types.ts";

const judged = signal<ReadonlyMap<string, JudgeResponse | Error>>(new Map());

/** A run that trains is judged again and again. */
const named = (facts: RunFacts): string => [facts.key, facts.verdict?.step, facts.evaluations.length].join(" ");

function read(facts: RunFacts): void {
  const name = named(facts);
  if (!facts.verdict || judged.peek().has(name)) return;
  const keep = (value: JudgeResponse | Error): void => {
    judged.value = new Map([...judged.peek(), [name, value]]);
  };
  api.judge(facts.key).then(keep, keep);
}

export function Judge(): JSX.Element {
  const current = run.value as RunFacts; // without one there is no page
  const name = named(current);
  useEffect(() => read(current), [name]);
  const answer = judged.value.get(name);
  return (
    <div class="judge">
      <RunPicker />
      {!current.verdict ? (
        <section class="panel" aria-label="Not judged">
          <h3>{standing(current).headline}</h3>
          <p>{standing(current).sentence}</p>
          <NextSteps steps={current.next} />
        </section>
      ) : answer instanceof Error ? (
        <Problem error={answer} />
      ) : answer ? (
        <Findings found={answer} next={current.next} />
      ) : (
        <p class="loading">Reading the evaluation …</p>
      )}
    </div>
  );
}

function Findings({ found, next }: { found: JudgeResponse; next: readonly NextStep[] }): JSX.Element {
  return (
    <>
      <section class="panel" aria-label="Evidence">
        <h3>
          <Sign tone={found.verdict.tone} /> Why this verdict <span class="term">{found.people}</span>
        </h3>
        <p>{found.verdict.sentence}</p>
        <ul class="evidence">
          {found.verdict.evidence.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
        <details>
          <summary>The rule</summary>
          <ul class="evidence">
            {found.verdict.rule.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </details>
      </section>
      {next.length ? (
        <section class="panel" aria-label="What next">
          <NextSteps steps={next} />
        </section>
      ) : null}
      <Probes found={found} />
      <KeyFigures figures={found.figures} />
      <Bars
        title="Error by distance"
        task={found.task}
        look="How far off, for views this far apart"
        rows={found.by_distance.map((row) => ({
          ...row,
          name: `${number(row.low_mm, 0)}–${number(row.high_mm, 0)} mm`,
        }))}
      />
      <Bars
        title="Error by region"
        task={found.task}
        look="How far off, for arrows that start in this part of the body"
        rows={found.by_region.map((row) => ({ ...row, name: row.label }))}
      />
      <WorstCases worst={found.worst} step={found.step} />
    </>
  );
}
