import assert from "node:assert/strict";
import { test } from "node:test";
import { highest, line, nearestKept, scale, ticks } from "../src/chart.ts";
import { blend, inkOn, mix, rgb, SEQUENTIAL, similarity } from "../src/colours.ts";
import { inSentence, inSpace, inWords, measured, mm, number, pathName, percent } from "../src/format.ts";
import { joined } from "../src/live.ts";

test("numbers carry their unit, a true minus and no sign at zero", () => {
  assert.deepEqual([mm(5.25), mm(-0.04), mm(-3), mm(null), mm(NaN)], ["5.3 mm", "0.0 mm", "−3.0 mm", "– mm", "– mm"]);
  assert.deepEqual([number(-0.001, 2), percent(0.256)], ["0.00", "26 %"]);
  assert.deepEqual([measured(3, "deg"), measured(0.5, "fraction"), measured(0.987, "1")], ["3.0°", "50.0 %", "0.99"]);
});

test("a gap is told in words", () => {
  assert.equal(inWords([-48, 3, -12]), "48.0 mm left, 3.0 mm forward, 12.0 mm down");
  assert.equal(pathName([0, 2, 1]), "1 → 3 → 2");
  assert.deepEqual([inSentence("Gap error"), inSentence("AUC of chunks")], ["gap error", "AUC of chunks"]);
});

test("a position in the world names its axes", () => {
  assert.equal(inSpace([-12.5, 8, 31.04]).replaceAll("\u00a0", " "), "R −12.5, A 8.0, S 31.0 mm");
});

test("colours run from end to end, and their ink can be read", () => {
  assert.equal(mix(SEQUENTIAL, -1), SEQUENTIAL[0]);
  assert.equal(mix(SEQUENTIAL, 9), SEQUENTIAL.at(-1));
  assert.deepEqual(blend(["#000000", "#ffffff"], 0.5), [128, 128, 128]);
  assert.equal(similarity(0), "#ffffff");
  for (let n = 0; n <= 20; n++) {
    const light = (colour: string): number =>
      rgb(colour).reduce(
        (sum, v, i) =>
          sum +
          [0.2126, 0.7152, 0.0722][i]! * (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4),
        0,
      );
    const [a, b] = [light(mix(SEQUENTIAL, n / 20)), light(inkOn(mix(SEQUENTIAL, n / 20)))];
    assert.ok((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) >= 4.5, `contrast at ${n / 20}`);
  }
});

test("ticks are round and inside", () => {
  assert.deepEqual(ticks({ low: 0, high: 2400 }, 5), [0, 500, 1000, 1500, 2000]);
  assert.deepEqual(ticks({ low: 0, high: 0.7 }, 4), [0, 0.2, 0.4, 0.6]);
  assert.deepEqual(ticks({ low: 3, high: 3 }, 4), [3]);
  assert.equal(
    line(
      [
        [0, 0],
        [NaN, 1],
        [10, 5],
      ],
      scale({ low: 0, high: 10 }, 100),
      scale({ low: 0, high: 10 }, 100),
    ),
    "M0.0 0.0L100.0 50.0",
  );
});

test("at a step the model is the last one kept by then", () => {
  assert.deepEqual(
    [-1, 0, 199, 200, 9999].map((step) => nearestKept([0, 200, 400], step)),
    [0, 0, 0, 200, 400],
  );
  assert.equal(nearestKept([], 5), null);
});

test("news is added to a curve once", () => {
  const curve = (points: [number, number][]) => ({
    gap: { error: { title: "Gap error", unit: "mm", better: "lower" as const, chance: 9, points, train: [] } },
  });
  const both = joined(
    curve([
      [0, 9],
      [1, 5],
    ]),
    curve([
      [1, 5],
      [2, 4],
    ]),
  );
  assert.deepEqual(both["gap"]?.["error"]?.points, [
    [0, 9],
    [1, 5],
    [2, 4],
  ]);
});

test("one axis holds every curve and chance, whatever is missing", () => {
  const curve = (points: [number, number][], chance: number | null) => ({
    title: "Gap error",
    unit: "mm",
    better: "lower" as const,
    chance,
    points,
    train: [],
  });
  assert.equal(
    highest([
      curve(
        [
          [0, 40],
          [1, NaN],
        ],
        60,
      ),
      curve([[0, 100]], null),
    ]),
    105,
  );
  assert.ok(highest([]) > 0);
});
