/** The first thing to read: is it learning anatomy? */

import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { inSentence, measured, sentence } from "../format.ts";
import { standing } from "../standing.ts";
import type { NextStep, RunFacts } from "../api-types.ts";

const TONES = ["learning", "partly", "stuck", "cheating"];
const known = (tone: string): string => (TONES.includes(tone) ? tone : "none");

/** A shape of its own for every verdict, so that none is told by colour alone. */
export function Sign({ tone }: { tone: string }): JSX.Element {
  const shape = known(tone);
  return (
    <svg class={`sign ${shape}`} viewBox="0 0 24 24" aria-hidden="true">
      {shape === "learning" ? (
        <>
          <circle cx="12" cy="12" r="11" />
          <path d="M6.5 12.5l4 4 7.5-8.5" />
        </>
      ) : null}
      {shape === "partly" ? (
        <>
          <circle class="hollow" cx="12" cy="12" r="10" />
          <path class="fill" d="M12 2a10 10 0 0 0 0 20z" />
        </>
      ) : null}
      {shape === "stuck" ? (
        <>
          <rect x="2" y="2" width="20" height="20" rx="4" />
          <path d="M7 12h10" />
        </>
      ) : null}
      {shape === "cheating" ? (
        <>
          <path class="fill" d="M12 1l11 21H1z" />
          <path d="M12 9v6M12 18.4v.4" />
        </>
      ) : null}
      {shape === "none" ? (
        <>
          <circle class="hollow" cx="12" cy="12" r="10" />
          <path class="hollow" d="M12 7v6M12 16.4v.4" />
        </>
      ) : null}
    </svg>
  );
}

/** True while the strip says why. */
const explained = signal(false);

/** One line; why, and what to do about it, are a press away. */
export function VerdictLine({ run }: { run: RunFacts }): JSX.Element {
  const { tone, headline, sentence: why, progress } = standing(run);
  const judged = run.verdict?.judged;
  return (
    <section class={`verdict ${known(tone)}`} data-tour="verdict" aria-label="Verdict">
      <div class="line">
        <h2>
          <Sign tone={tone} />
          {headline}
        </h2>
        {judged ? (
          <span class="judged" title={sentence(judged.metric.meaning)}>
            {inSentence(judged.title)} <b>{measured(judged.figure.value, judged.figure.unit)}</b>
            {judged.figure.chance === null ? null : (
              <span class="quiet" title={sentence(judged.metric.chance)}>
                , chance {measured(judged.figure.chance, judged.figure.unit)}
              </span>
            )}
          </span>
        ) : null}
        {progress ? <span class="mark">{progress}</span> : null}
        {run.simulated ? <span class="mark">simulated subjects</span> : null}
        {run.own_store ? null : <span class="mark">another store</span>}
        <button
          type="button"
          class="plain no-share"
          aria-expanded={explained.value}
          data-do="explain"
          onClick={() => (explained.value = !explained.value)}
        >
          {explained.value ? "Less" : run.next.length ? "Why, and what next" : "Why"}
        </button>
      </div>
      {explained.value ? (
        <div class="why">
          <p>{why}</p>
          {run.simulated ? (
            <p>
              <b>Simulated subjects:</b> these scans were made by a program, not taken of patients.
            </p>
          ) : null}
          {run.own_store ? null : (
            <p>
              <b>Another store:</b> these are not the scans it learned from, so nobody can say which subjects it has
              seen.
            </p>
          )}
          <NextSteps steps={run.next} />
        </div>
      ) : null}
    </section>
  );
}

/** What to do now, with the commands to type. */
export function NextSteps({ steps }: { steps: readonly NextStep[] }): JSX.Element | null {
  if (steps.length === 0) return null;
  return (
    <>
      <h3>What next</h3>
      <ul class="next">
        {steps.map(({ why, command }) => (
          <li key={why}>
            {sentence(why)}
            {command ? <code>{command}</code> : null}
          </li>
        ))}
      </ul>
    </>
  );
}
