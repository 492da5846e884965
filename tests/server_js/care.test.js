// @ts-check
/** When the page says a gentle word. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createCare } from "../../rl_teacher/server/static/feedback/label/care.js";

function rig() {
  const self = { now: 0, said: /** @type {string[]} */ ([]) };
  const care = createCare({ say: (name) => void self.said.push(name), now: () => self.now });
  /** @param {number[]} loops */
  const answer = (...loops) => loops.forEach((one) => care.answered(one));
  return { self, answer };
}

test("five answers in a row that are quicker than the clips are noticed", () => {
  const { self, answer } = rig();
  answer(0, 0, 0, 0);
  assert.deepEqual(self.said, []);
  answer(0);
  assert.deepEqual(self.said, ["quick"]);
});

test("a look at the whole clips begins the row anew", () => {
  const { self, answer } = rig();
  answer(0, 0, 0, 0, 1, 0, 0, 0, 0);
  assert.deepEqual(self.said, []);
});

test("whoever stays quick is left in peace for a while, and then told once more", () => {
  const { self, answer } = rig();
  answer(...Array(5).fill(0)); // the 5th answer
  answer(...Array(24).fill(0));
  assert.deepEqual(self.said, ["quick"]);
  answer(0); // 25 answers after the word
  assert.deepEqual(self.said, ["quick", "quick"]);
});

test("a break is proposed once, after half an hour", () => {
  const { self, answer } = rig();
  self.now = 27 * 60_000;
  answer(2);
  assert.deepEqual(self.said, []);
  self.now += 1;
  answer(2, 2, 2);
  assert.deepEqual(self.said, ["break"]);
});
