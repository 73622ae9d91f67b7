import assert from "node:assert/strict";
import { test } from "node:test";
import { AXIAL, frameOf } from "../src/geometry/planes.ts";
import { angle } from "../src/geometry/vector.ts";
import { file, parse } from "../src/scan/nifti.ts";
import { received } from "../src/scan/received.ts";
import { grey } from "../src/scan/slice.ts";

const VOLUME = parse(
  file(
    Uint8Array.from({ length: 60 }, () => 100),
    [5, 4, 3],
    [2, 2, 2],
  ),
);
const cube = (first: number): number[] => Array.from({ length: 8 }, (_, n) => first + n);
const views = (...bytes: number[]) => ({ view_mm: 4, images: btoa(String.fromCharCode(...bytes)) });

function slice(volume: typeof VOLUME, z: number): number[][] {
  const { rgba, width } = grey(volume, frameOf(AXIAL, volume, false), [0, 0, 2 * z]);
  const all = [...rgba].filter((_, n) => n % 4 === 0);
  return Array.from({ length: 4 }, (_, y) => all.slice((3 - y) * width, (4 - y) * width));
}

test("the voxels of a view lie where it was cut, and only there", () => {
  const shown = received(VOLUME, { ...views(...cube(0)), centres_mm: [[3, 5, 1]] }, null);
  assert.deepEqual(slice(shown, 0).slice(2), [
    [100, 0, 1, 100, 100],
    [100, 2, 3, 100, 100],
  ]);
  assert.deepEqual(slice(shown, 1)[3], [100, 6, 7, 100, 100]);
  assert.ok(
    slice(shown, 2)
      .flat()
      .every((value) => value === 100),
  );
  assert.ok(VOLUME.data.every((value) => value === 100)); // the scan itself stays as it is
});

test("of views that overlap the one asked for lies on top, and the rest of the scan can be faint", () => {
  const both = {
    ...views(...cube(0), ...cube(200)),
    centres_mm: [
      [3, 5, 1],
      [3, 5, 1],
    ] as [number, number, number][],
  };
  assert.equal(slice(received(VOLUME, both, null), 0)[2]?.[1], 200);
  const shown = slice(received(VOLUME, both, 0, 0.5), 0);
  assert.deepEqual([shown[2]?.[1], shown[0]?.[0]], [0, 50]);
});

test("an angle between two ways", () => {
  assert.equal(angle([1, 0, 0], [0, 2, 0]), 90);
  assert.equal(angle([1, 2, 3], [2, 4, 6])?.toFixed(3), "0.000");
  assert.equal(angle([0, 0, 0], [0, 2, 0]), null);
});
