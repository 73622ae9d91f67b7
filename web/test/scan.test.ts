import assert from "node:assert/strict";
import { test } from "node:test";
import { AXIAL, CORONAL, frameOf } from "../src/geometry/planes.ts";
import { file, parse, spread, thumbnail } from "../src/scan/nifti.ts";
import { grey } from "../src/scan/slice.ts";

const SHAPE = [4, 3, 2] as const;
const SPACING = [1, 2, 3] as const;
const VALUES = Uint8Array.from({ length: 24 }, (_, n) => n * 10);
const VOLUME = parse(file(VALUES, SHAPE, SPACING));

test("a file written here is read back", () => {
  assert.deepEqual(
    [VOLUME.shape, VOLUME.spacing, [VOLUME.black, VOLUME.white]],
    [
      [4, 3, 2],
      [1, 2, 3],
      [0, 255],
    ],
  );
  assert.deepEqual([...VOLUME.data], [...VALUES]);
});

test("what is not NIfTI is refused", () => {
  assert.throws(() => parse(new ArrayBuffer(400)), /not a NIfTI/);
  assert.throws(() => parse(new ArrayBuffer(3)), /not a NIfTI/);
});

test("a slice stands upright: front at the top, and mirrored on a light box", () => {
  const reds = (mirrored: boolean): number[] => {
    const { rgba } = grey(VOLUME, frameOf(AXIAL, VOLUME, mirrored), [0, 0, 3]);
    return [...rgba].filter((_, n) => n % 4 === 0);
  };
  assert.deepEqual(reds(false), [200, 210, 220, 230, 160, 170, 180, 190, 120, 130, 140, 150]);
  assert.deepEqual(reds(true).slice(0, 4), [230, 220, 210, 200]);
});

test("another plane takes its voxels from the same place", () => {
  const { width, height, rgba } = grey(VOLUME, frameOf(CORONAL, VOLUME, false), [0, 2, 0]);
  assert.deepEqual([width, height, rgba[0], rgba[4 * 4]], [4, 2, 160, 40]);
});

test("stored values are shown between the window's ends, whatever their slope", () => {
  const bytes = file(VALUES, SHAPE, SPACING);
  const view = new DataView(bytes);
  [2, 100, 420, 140].forEach((value, n) => view.setFloat32([112, 116, 124, 128][n] ?? 0, value, true));
  const { black, white } = parse(bytes);
  assert.deepEqual([black, white], [20, 160]);
});

test("without a window the page takes the values' own spread", () => {
  assert.deepEqual(spread(Array.from({ length: 1000 }, (_, n) => n)), [10, 995]);
  assert.deepEqual(spread([5, 5, 5]), [5, 6]);
});

test("a thumbnail keeps its place in mm", () => {
  const small = thumbnail(VOLUME, 2);
  assert.deepEqual(
    [small.shape, small.spacing, [...small.grey]],
    [
      [2, 2, 1],
      [2, 4, 6],
      [0, 20, 80, 100],
    ],
  );
});
