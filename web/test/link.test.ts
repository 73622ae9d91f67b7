import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode, type State } from "../src/link.ts";

const STATE: State = {
  tab: "where",
  run: "b",
  step: 1200,
  scan: "some scan/é&=1",
  centres: [
    [61.5, 157.5, 103.5],
    [1.125, 2, -3],
  ],
  view: 1,
  pair: [1, 0],
  at: [1, 2, 3.5],
  route: 4,
  probe: "border",
  probeView: 1,
  point: [9, 8, 7],
  target: "other;one",
};

test("a state survives its link", () => assert.deepEqual(decode(`#${encode(STATE)}`), STATE));

test("what is not there stays away", () => {
  const bare: State = {
    ...STATE,
    step: null,
    pair: null,
    route: 0,
    probe: null,
    probeView: null,
    point: null,
    target: null,
  };
  const back = decode(encode(bare));
  for (const name of ["step", "pair", "route", "probe", "probeView", "point", "target"])
    assert.ok(!(name in back), name);
});

test("a link that makes no sense brings nothing in", () => {
  for (const text of ["", "#", "#s=admin", "#run=a", "#s=%00", "#__proto__=1"]) assert.deepEqual(decode(text), {});
  const bad = "#s=explore&centres=1,2;3&at=NaN,1,2&step=-4&view=1e3&pair=1,1&probe=a,b&point=1,2,3,4&route=9999999999";
  assert.deepEqual(decode(bad), { tab: "explore" });
});

test("seven views are too many, one is too few", () => {
  const views = (n: number): string => `#s=explore&centres=${Array(n).fill("1,2,3").join(";")}`;
  assert.deepEqual(
    [1, 2, 16, 17].map((n) => decode(views(n)).centres?.length),
    [undefined, 2, 16, undefined],
  );
});
