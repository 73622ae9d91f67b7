import assert from "node:assert/strict";
import { test } from "node:test";
import { corners, covered, edgeLetters, layOut, type Placed } from "../src/geometry/labels.ts";
import { AXIAL, frameOf } from "../src/geometry/planes.ts";

/** The same numbers every time. */
function* numbers(): Generator<number, never> {
  for (let state = 1; ;) yield (state = (state * 48271) % 2147483647) / 2147483647;
}

function apart(all: readonly Placed[]): void {
  const boxes = all.map(covered);
  boxes.forEach((a, n) =>
    boxes.slice(n + 1).forEach((b) => {
      const [wide, high] = [
        Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x),
        Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y),
      ];
      assert.ok(wide <= 1e-9 || high <= 1e-9, JSON.stringify([a, b]));
    }),
  );
}

test("names of views never lie on each other or on the letters of the edges, on a phone's picture too", () => {
  const frame = frameOf(AXIAL, { shape: [54, 66, 48], spacing: [3, 3, 3] }, true);
  const next = numbers();
  for (let round = 0; round < 60; round++) {
    const px = frame.width / [140, 300, 700][round % 3]!;
    const size = 13 * px;
    const spread = round % 5 === 0 ? 0 : 100; // now and then all in one place
    const wanted = Array.from({ length: 2 + (round % 15) }, (_, n) => {
      const box = { x: spread * next.next().value, y: spread * next.next().value, width: 60, height: 60 };
      return { text: String(n + 1), size, at: corners(box, String(n + 1), size) };
    });
    const edges = edgeLetters(frame, px);
    const placed = layOut(wanted, edges, frame);
    apart([...placed, ...edges]);
    placed.map(covered).forEach(({ x, y, width, height }) => {
      assert.ok(x >= -1e-9 && y >= -1e-9 && x + width <= frame.width + 1e-9 && y + height <= frame.height + 1e-9);
    });
  }
});

test("a name that is free to stand where it is wanted stands there", () => {
  const at = corners({ x: 10, y: 10, width: 50, height: 50 }, "1", 10);
  const [placed] = layOut([{ text: "1", size: 10, at }], [], { width: 100, height: 100 });
  assert.deepEqual({ x: placed?.x, y: placed?.y }, at[0]);
});
