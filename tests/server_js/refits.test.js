// @ts-check
/** Where a predicted return jumps at a refit. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { jumps } from "../../rl_teacher/server/static/feedback/pages/refits.js";

// changes 1, 1, 6, 1: the usual one is 1, and only 6 is more than three times that
const CURVE = { step: [0, 10, 20, 30, 40], value: [0, 1, 2, 8, 9] };

test("a refit is marked where the curve jumps, and nowhere else", () => {
  assert.deepEqual(jumps(CURVE, [5, 22, 35]), [22]);
  assert.deepEqual(jumps(CURVE, [5, 35]), []);
  assert.deepEqual(jumps(CURVE, []), []);
});

test("of several refits between two points the last is marked, and bounds belong to the interval they begin", () => {
  assert.deepEqual(jumps(CURVE, [20, 25]), [25]);
  assert.deepEqual(jumps(CURVE, [20]), [20]);
  assert.deepEqual(jumps(CURVE, [30]), []);
});

test("a fall is a jump too, and short curves have none", () => {
  assert.deepEqual(jumps({ step: [0, 10, 20, 30], value: [9, 8, 1, 0] }, [10]), [10]);
  assert.deepEqual(jumps({ step: [0], value: [1] }, [0]), []);
  assert.deepEqual(jumps({ step: [], value: [] }, [0]), []);
});
