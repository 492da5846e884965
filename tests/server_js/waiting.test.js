// @ts-check
/** What the page says while there is nothing to answer. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createWaiting, timeText, whatIsAwaited } from "../../rl_teacher/server/static/feedback/label/waiting.js";

const BEGUN = { wasAsked: true, isHeldByOthers: false, isTrainerGone: false, nextClipsS: null, leftS: null };

test("what is awaited is what is true", () => {
  const kinds = /** @type {const} */ ([
    [{ ...BEGUN, wasAsked: false }, "waiting", 0, "first"],
    [{ ...BEGUN, wasAsked: false, isTrainerGone: true }, "waiting", 0, "gone"],
    [{ ...BEGUN, isHeldByOthers: true }, "waiting", 3, "taken"],
    [BEGUN, "waiting", 3, "learning"],
    [BEGUN, "training", 3, "learning"],
    [BEGUN, "training", 0, "practicing"],
    [{ ...BEGUN, nextClipsS: 4, leftS: 90 }, "training", 3, "learning"],
    [{ ...BEGUN, leftS: 90 }, "training", 3, "last"],
    [{ ...BEGUN, leftS: 90 }, "training", 0, "practicing"],
    [{}, "training", 0, "unknown"],
    [{}, "training", 1, "learning"],
  ]);
  for (const [told, state, mine, kind] of kinds) assert.equal(whatIsAwaited(told, state, mine).kind, kind);
});

test("seconds are told where somebody knows them, and not of clips that do not come", () => {
  assert.deepEqual(whatIsAwaited({ ...BEGUN, nextClipsS: 4, leftS: 90 }, "training", 3), { kind: "learning", until: "eta", seconds: 4 });
  assert.deepEqual(whatIsAwaited({ ...BEGUN, leftS: 90 }, "training", 3), { kind: "last", until: "over", seconds: 90 });
  assert.equal(whatIsAwaited({ ...BEGUN, isTrainerGone: true, nextClipsS: 4 }, "training", 3).until, "");
});

test("a time is told roughly when it is long", () => {
  assert.equal(timeText("", 3), null);
  assert.deepEqual(timeText("eta", 0.5), { name: "eta_soon", n: 0 });
  assert.deepEqual(timeText("eta", 6.2), { name: "eta_seconds", n: 7 });
  assert.deepEqual(timeText("eta", 38), { name: "eta_seconds", n: 40 });
  assert.deepEqual(timeText("over", 100), { name: "over_minutes", n: 2 });
});

test("the seconds run down by themselves from when they were told, and stop", (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  let now = 1000;
  /** @type {Record<string, string>} */
  const shown = {};
  const waiting = createWaiting({ t: (name, facts) => `${name} ${facts?.n ?? ""}`.trim(), write: (id, text) => (shown[id] = text), now: () => now });
  const told = { ...BEGUN, nextClipsS: 9 };
  waiting.show(told, "training", 1);
  assert.equal(shown["notice-time"], "eta_seconds 9");
  now += 4000;
  context.mock.timers.tick(1000);
  assert.equal(shown["notice-time"], "eta_seconds 5");
  waiting.show(told, "training", 1); // another event of the page: nothing new was told
  assert.equal(shown["notice-time"], "eta_seconds 5");
  waiting.show({ ...told }, "training", 1);
  assert.equal(shown["notice-time"], "eta_seconds 9");
  waiting.stop();
  now += 1000;
  context.mock.timers.tick(5000);
  assert.equal(shown["notice-time"], "");
});
