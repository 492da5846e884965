// @ts-check
/** After how many answers there is a look at then and now. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { isRound } from "../../rl_teacher/server/static/feedback/label/milestones.js";

test("after every 25 answers, and not before the first", () => {
  assert.deepEqual([0, 1, 24, 25, 26, 50, 75].map(isRound), [false, false, false, true, false, true, true]);
});
