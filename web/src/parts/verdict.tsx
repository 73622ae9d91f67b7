/** The first thing to read: is it learning anatomy? */

import type { JSX } from "preact";
import type { RunFacts } from "../api-types.ts";

const TONES = ["learning", "partly", "stuck", "cheating"];

/** A shape of its own for every verdict, so that none is told by colour alone. */
export function Sign({ tone }: { tone: string }): JSX.Element {
  const known = TONES.includes(tone) ? tone : "none";
  return (
    <svg class={`sign ${known}`} viewBox="0 0 24 24" aria-hidden="true">
      {known === "learning" || known === "partly" ? (
        <>
          <circle cx="12" cy="12" r="11" />
          <path d="M6.5 12.5l4 4 7.5-8.5" />
        </>
      ) : null}
      {known === "stuck" ? (
        <>
          <rect x="2" y="2" width="20" height="20" rx="4" />
          <path d="M7 12h10" />
        </>
      ) : null}
      {known === "cheating" ? (
        <>
          <path class="fill" d="M12 1l11 21H1z" />
          <path d="M12 9v6M12 18.4v.4" />
        </>
      ) : null}
      {known === "none" ? (
        <>
          <circle class="hollow" cx="12" cy="12" r="10" />
          <path class="hollow" d="M12 7v6M12 16.4v.4" />
        </>
      ) : null}
    </svg>
  );
}

export function VerdictLine({ run }: { run: RunFacts }): JSX.Element {
  const verdict = run.verdict;
  const tone = verdict?.tone ?? "none";
  return (
    <section class={`verdict ${TONES.includes(tone) ? tone : "none"}`} data-tour="verdict" aria-label="Verdict">
      <Sign tone={tone} />
      <div>
        <h2>{verdict?.headline ?? "Not judged yet."}</h2>
        <p class="sentence">
          {verdict
            ? verdict.sentence
            : run.live
              ? "It is still training; the verdict comes with the first evaluation."
              : "No evaluation was made of this run: `orienteer evaluate` makes one."}
        </p>
        {run.simulated ? (
          <p class="sentence">
            <b>Simulated subjects:</b> these scans were made by a program, not taken of patients.
          </p>
        ) : null}
        {run.own_store === false ? (
          <p class="sentence">
            <b>Another store:</b> these are not the scans it learned from, so nobody can say which subjects it has seen.
          </p>
        ) : null}
      </div>
    </section>
  );
}
