import assert from "node:assert/strict";
import { test } from "node:test";
import { foremost, standing } from "../src/standing.ts";
import type { RunFacts } from "../src/api-types.ts";

const verdict = { tone: "partly", headline: "It is learning, provisional at step 50.", sentence: "So.", step: 50 };
const run = (more: object): RunFacts =>
  ({ finished: false, live: true, step: 60, total_steps: 2000, best_step: 0, verdict: null, ...more }) as RunFacts;

test("a run that trains says how far it has come, and that nothing was validated yet", () => {
  const { headline, sentence, tone, progress } = standing(run({}));
  assert.deepEqual([headline, tone, progress], ["No validation yet.", "none", "training, step 60 of 2,000"]);
  assert.match(sentence, /first validation/);
  assert.equal(foremost(run({})), "untrained, step 0");
});

test("a verdict that is not final comes with the progress", () => {
  const { headline, tone, progress } = standing(run({ verdict, live: false, best_step: 50 }));
  assert.deepEqual([headline, tone, progress], [verdict.headline, "partly", "stopped at step 60 of 2,000"]);
  assert.equal(foremost(run({ verdict, best_step: 50 })), "its best, step 50");
  assert.equal(foremost(run({ verdict, best_step: 60 })), "the newest, step 60");
});

test("a run at its end has no progress to tell", () => {
  const { headline, progress } = standing(run({ finished: true }));
  assert.deepEqual([headline, progress], ["Not judged yet.", null]);
});
