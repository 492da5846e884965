// @ts-check
/** What the page says, word by word. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { endText, translator } from "../../rl_teacher/server/static/feedback/label/view.js";

const STRINGS = {
  left: "left better", left_stacked: "top better", tie: "tie", answered: "Answered: {answer}.", n_one: "{n} answer", n_other: "{n} answers",
};

test("a side is named by where its clip stands when it is said", () => {
  let isStacked = false;
  const t = translator(STRINGS, () => isStacked);
  assert.equal(t("answered", { answer: t("left") }), "Answered: left better.");
  isStacked = true;
  assert.equal(t("answered", { answer: t("left") }), "Answered: top better.");
  assert.equal(t("tie"), "tie");
});

test("an end is told in seconds, and nothing where there is none", () => {
  const t = translator({ ends: "The episode ends after {seconds} s." }, () => false);
  const pair = { fps: 50, end_frames: { left: 22, right: null } }; // 22 / 50 = 0.44
  assert.equal(endText(t, pair, "left"), "The episode ends after 0.4 s.");
  assert.deepEqual([endText(t, pair, "right"), endText(t, { fps: 50 }, "left"), endText(t, undefined, "left")], ["", "", ""]);
});

test("a count takes its form, and an unknown text its name", () => {
  const t = translator(STRINGS, () => true);
  assert.deepEqual([t("n", { n: 1 }), t("n", { n: 2 }), t("nothing")], ["1 answer", "2 answers", "nothing"]);
});
