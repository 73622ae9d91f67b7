import assert from "node:assert/strict";
import { test } from "node:test";
import { cuts, edges, laplaceReach, rectangle, settle } from "../src/geometry/boxes.ts";
import {
  cutOf,
  frameOf,
  letters,
  PLANES,
  SAGITTAL,
  toPicture,
  toPlace,
  voxelOf,
  AXIAL,
  type Grid,
} from "../src/geometry/planes.ts";
import { project } from "../src/geometry/project.ts";
import type { Mm } from "../src/geometry/vector.ts";

const GRID: Grid = { shape: [54, 66, 48], spacing: [3, 3, 2] };
const PLACE: Mm = [30, 90, 40];

test("a place goes onto every picture and comes back, mirrored or not", () => {
  for (const plane of PLANES) {
    for (const mirrored of [false, true]) {
      const frame = frameOf(plane, GRID, mirrored);
      const { x, y } = toPicture(frame, PLACE);
      toPlace(frame, x, y, PLACE).forEach((value, axis) => assert.ok(Math.abs(value - (PLACE[axis] ?? NaN)) < 1e-9));
    }
  }
});

test("the first voxel lies half a voxel inside the left lower corner", () => {
  const frame = frameOf(AXIAL, GRID, false);
  assert.deepEqual(toPicture(frame, [0, 0, 0]), { x: 1.5, y: 66 * 3 - 1.5 });
});

test("on a light box the patient's right is at the left, and the letters say so", () => {
  assert.deepEqual(letters(frameOf(AXIAL, GRID, true)), { left: "R", right: "L", top: "A", bottom: "P" });
  assert.deepEqual(letters(frameOf(AXIAL, GRID, false)), { left: "L", right: "R", top: "A", bottom: "P" });
});

test("on a light box the face looks to the left, as in the report", () => {
  assert.deepEqual(letters(frameOf(SAGITTAL, GRID, true)), { left: "A", right: "P", top: "S", bottom: "I" });
});

test("a place outside the scan shows its outermost voxel", () => {
  assert.deepEqual(
    [-50, 1.4, 1.6, 1e6].map((mm) => voxelOf(GRID, 0, mm)),
    [0, 0, 1, 53],
  );
});

test("a view settles on whole voxels inside the scan", () => {
  assert.deepEqual(settle(GRID, 72, [-100, 61, 1000]), [34.5, 61.5, 2 * (48 - 36) + 35]);
  const centre = settle(GRID, 72, PLACE);
  assert.deepEqual(settle(GRID, 72, centre), centre);
});

test("a slice cuts a box up to its faces", () => {
  const frame = frameOf(AXIAL, GRID, false);
  assert.ok(cuts(frame, PLACE, 36, [0, 0, 58]));
  assert.ok(!cuts(frame, PLACE, 36, [0, 0, 58.5]));
});

test("a box covers its voxels to their outer edges", () => {
  const frame = frameOf(AXIAL, { shape: [24, 24, 24], spacing: [3, 3, 3] }, false);
  assert.deepEqual(rectangle(frame, [34.5, 34.5, 34.5], 72), { x: 0, y: 0, width: 72, height: 72 });
});

test("a box has twelve edges of its own size", () => {
  const all = edges(PLACE, 10);
  assert.equal(all.length, 12);
  for (const [from, to] of all) assert.equal(Math.hypot(...from.map((value, axis) => value - (to[axis] ?? NaN))), 10);
  assert.equal(new Set(all.map((edge) => edge.join("|"))).size, 12);
});

test("a slice cuts a smaller circle out of a ball the farther it is, and none beyond", () => {
  assert.deepEqual([cutOf(5, 0), cutOf(5, 3), cutOf(5, 5), cutOf(5, 9)], [5, 4, null, null]);
});

test("nine in ten truths lie within 2.3 Laplace scales", () => {
  assert.ok(Math.abs(laplaceReach(0.9) - 2.302585) < 1e-6);
});

test("clip space becomes pixels from the top left", () => {
  const unit = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
  assert.deepEqual(project(unit, [-1, 1, 0], 200, 100), { x: 0, y: 0 });
  assert.deepEqual(project(unit, [0, 0, 0], 200, 100), { x: 100, y: 50 });
});
