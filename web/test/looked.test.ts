import assert from "node:assert/strict";
import { test } from "node:test";
import { headlineOf, judgedOf, pairOf, preferred, taskOf, tasksOf } from "../src/looked.ts";
import type { LookResponse, TaskAnswer } from "../src/api-types.ts";

function task(name: string, far: number): TaskAnswer {
  const matrix = (cell: readonly [number, number, number]) => [
    [null, cell],
    [cell, null],
  ];
  const metric = {
    name: "off_mm",
    title: "Off",
    unit: "mm",
    meaning: "",
    look: "",
    chance: "",
    better: "lower" as const,
    shown: "card" as const,
    stands_in_for: null,
    per_row: null,
  };
  return {
    task: { name, title: name, question: "", intro: "", metrics: [metric], judged: "off_mm" },
    measures: { off_mm: { value: far, unit: "mm", chance: null, better: "lower", interval: null } },
    displacements: {
      true: matrix([0, 0, 0]),
      predicted: matrix([far, 0, 0]),
      scale: null,
      error_mm: [
        [null, far],
        [far, null],
      ],
    },
    chunk_pairs: null,
    paths: null,
    points: null,
  };
}

const look: LookResponse = {
  step: 1,
  scan: "s",
  centres_mm: [
    [0, 0, 0],
    [0, 0, 0],
  ],
  view_mm: 48,
  probe: null,
  probe_view: null,
  images: null,
  judged: "second",
  tasks: [task("first", 3), task("second", 5)],
  milliseconds: 1,
};

test("tasks are found by what they say, and of two of a kind one chooses", () => {
  assert.deepEqual(
    tasksOf(look, "displacements").map((each) => each.task.name),
    ["first", "second"],
  );
  assert.equal(taskOf(look, "paths"), null);
  assert.equal(pairOf(look, [0, 1])?.error_mm, 3);
  preferred.value = { displacements: "second" };
  assert.equal(pairOf(look, [0, 1])?.error_mm, 5);
  preferred.value = { displacements: "of another run" };
  assert.equal(taskOf(look, "displacements")?.task.name, "first");
});

test("one figure speaks for the whole answer", () => {
  assert.equal(headlineOf(look)?.value.value, 5);
  assert.equal(headlineOf({ ...look, judged: null, tasks: [] }), null);
  assert.equal(judgedOf({ ...task("old", 1), measures: {} }), null);
});
