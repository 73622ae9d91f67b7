import assert from "node:assert/strict";
import { test } from "node:test";
import { Newest } from "../src/newest.ts";

/** Answers only when told to. */
function slow(): {
  asked: number[];
  reply: (n: number) => Promise<string>;
  release: (n: number, error?: Error) => Promise<void>;
} {
  const waiting = new Map<number, { resolve: (text: string) => void; reject: (error: Error) => void }>();
  const asked: number[] = [];
  return {
    asked,
    reply: (n) => new Promise((resolve, reject) => (asked.push(n), waiting.set(n, { resolve, reject }))),
    release: async (n, error) => {
      if (error) waiting.get(n)?.reject(error);
      else waiting.get(n)?.resolve(`answer ${n}`);
      await new Promise((next) => setTimeout(next));
    },
  };
}

const seen = (newest: Newest<number, string>): string | undefined => newest.shown.value?.answer;

test("of the questions asked meanwhile only the newest goes out", async () => {
  const server = slow();
  const newest = new Newest<number, string>(server.reply);
  [1, 2, 3].forEach((n) => newest.ask(n));
  await server.release(1);
  assert.deepEqual(server.asked, [1, 3]);
  assert.equal(seen(newest), undefined, "the answer to 1 is stale");
  await server.release(3);
  assert.equal(seen(newest), "answer 3");
  assert.equal(newest.busy.value, false);
});

test("an answer close to what is wanted is shown on the way, and stays marked as not the last", async () => {
  const server = slow();
  const newest = new Newest<number, string>(server.reply, () => true);
  newest.ask(1);
  newest.ask(2);
  await server.release(1);
  assert.equal(seen(newest), "answer 1");
  assert.equal(newest.busy.value, true);
});

test("what was answered once is not asked again", async () => {
  const server = slow();
  const newest = new Newest<number, string>(server.reply);
  newest.ask(1);
  await server.release(1);
  newest.ask(2);
  await server.release(2);
  newest.ask(1);
  assert.equal(seen(newest), "answer 1");
  assert.deepEqual(server.asked, [1, 2]);
});

test("back at a known question, the late answer to another changes nothing", async () => {
  const server = slow();
  const newest = new Newest<number, string>(server.reply, () => true);
  newest.ask(1);
  await server.release(1);
  newest.ask(2);
  newest.ask(1);
  await server.release(2);
  assert.equal(seen(newest), "answer 1");
  assert.deepEqual([server.asked, newest.busy.value], [[1, 2], false]);
});

test("a refusal is told, and the same question may be asked again", async () => {
  const server = slow();
  const newest = new Newest<number, string>(server.reply);
  newest.ask(1);
  await server.release(1, new Error("no"));
  assert.equal(newest.error.value?.message, "no");
  newest.ask(1);
  await server.release(1);
  assert.deepEqual([seen(newest), newest.error.value], ["answer 1", null]);
});
