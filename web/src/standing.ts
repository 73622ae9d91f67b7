/** Where a run stands, in words: its verdict, or why it has none, and how far it has come. */

import { steps } from "./format.ts";
import type { RunFacts } from "./api-types.ts";

export interface Standing {
  tone: string;
  headline: string;
  sentence: string;
  /** How far a run has come that is not at its end. */
  progress: string | null;
}

export function standing(run: RunFacts): Standing {
  const { verdict, live, finished } = run;
  const far = `${steps(run.step)} of ${run.total_steps.toLocaleString("en-GB")}`;
  const progress = finished ? null : live ? `training, ${far}` : `stopped at ${far}`;
  if (verdict) return { tone: verdict.tone, headline: verdict.headline, sentence: verdict.sentence, progress };
  const unjudged = finished
    ? { headline: "Not judged yet.", sentence: "No evaluation was made of this run." }
    : {
        headline: "No validation yet.",
        sentence: live
          ? "A verdict comes with the first validation, and a new one with each that follows. Until then, what you see here are the answers of a model that nobody has measured."
          : "It stopped before its first validation, so nobody has measured what it learned.",
      };
  return { tone: "none", ...unjudged, progress };
}

/** The model that is asked where no step is chosen. */
export function foremost(run: RunFacts): string {
  if (run.best_step === 0) return "untrained, step 0";
  return `${run.verdict?.step === run.best_step ? "its best" : "the newest"}, ${steps(run.best_step)}`;
}
