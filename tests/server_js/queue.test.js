// @ts-check
/** The labeling queue without a page: facts in, effects out. Run: node --test tests/server_js/ */

import assert from "node:assert/strict";
import { test } from "node:test";
import { frontPair, LOW, READY, refillWanted, reviewed, START, step, UNDO } from "../../rl_teacher/server/static/feedback/label/queue.js";

const FACTS = { rt_ms: 900 };

/** @param {string} id */
const assignment = (id) => ({
  assignment: id, left: { mp4: `${id}-l`, webm: null }, right: { mp4: `${id}-r`, webm: null }, fps: 30,
  n_frames: { left: 30, right: 30 }, hold_frames: { left: 6, right: 6 }, size: /** @type {[number, number]} */ ([160, 160]),
});

/** A queue with the effects of all events so far. */
function machine() {
  let state = START;
  /** @type {import("../../rl_teacher/server/static/feedback/label/queue.js").Effect[]} */
  const all = [];
  let answers = 0;
  const self = {
    get state() {
      return state;
    },
    /** @param {string} type @param {object} [facts] */
    on(type, facts = {}) {
      const [next, effects] = step(state, { type, ...facts });
      state = next;
      all.push(...effects);
      return effects;
    },
    /** @param {string} name */
    did: (name) => all.filter((effect) => effect.do === name),
    /** @param {string[]} ids */
    claimed: (...ids) => self.on("claimed", { assignments: ids.map(assignment), state: "training" }),
    /** @param {string} side */
    press: (side) => self.on("press", { side, response: `r${++answers}`, facts: FACTS }),
    /** Everything the page would do until the pair in front can be answered. */
    play() {
      for (let rounds = 0; rounds < 20; rounds += 1) {
        for (const pair of [...state.pairs, ...state.history.map((done) => done.pair)]) {
          if (!pair.loaded) self.on("loaded", { id: pair.assignment });
        }
        if (state.back && !state.backReady) self.on("staged", { id: state.back });
      }
      if (state.front && !state.watched && !state.reviewing) self.on("watched", { id: state.front });
    },
  };
  return self;
}

/** A page with pairs a, b, c ... of which the first can be answered. @param {string[]} ids */
function ready(...ids) {
  const queue = machine();
  queue.on("booted", { unsent: [] });
  queue.claimed(...ids);
  queue.play();
  return queue;
}

test("it claims when booted, and not before", () => {
  const queue = machine();
  assert.deepEqual(queue.on("retry"), []);
  assert.deepEqual(queue.on("booted", { unsent: [] }), [{ do: "claim", want: READY }]);
  assert.equal(queue.state.phase, "fill");
});

test("a pair is in front only when both clips are loaded and both first frames decoded", () => {
  const queue = machine();
  queue.on("booted", { unsent: [] });
  assert.deepEqual(queue.claimed("a", "b").map((effect) => effect.do), ["download", "download", "claim"]);
  assert.equal(queue.state.front, null);
  assert.deepEqual(queue.on("loaded", { id: "a" }), [{ do: "stage", id: "a" }]);
  assert.equal(queue.state.phase, "fill");
  assert.ok(queue.on("staged", { id: "a" }).some((effect) => effect.do === "swap" && effect.id === "a"));
  assert.equal(queue.state.phase, "guard");
});

test("a slow clip does not hold up the pairs behind it", () => {
  const queue = machine();
  queue.on("booted", { unsent: [] });
  queue.claimed("slow", "quick");
  queue.on("loaded", { id: "quick" });
  queue.on("staged", { id: "quick" });
  assert.equal(queue.state.front, "quick");
});

test("an answer before the minimum view time is refused with a hint and not remembered", () => {
  const queue = machine();
  queue.on("booted", { unsent: [] });
  queue.claimed("a", "b");
  queue.on("loaded", { id: "a" });
  queue.on("staged", { id: "a" });
  assert.deepEqual(queue.press("left"), [{ do: "hint", name: "too_soon" }]);
  queue.on("watched", { id: "a" });
  assert.equal(queue.state.phase, "open");
  assert.equal(queue.did("save").length, 0);
});

test("an answer is saved once and the pair behind comes to the front in the same step", () => {
  const queue = ready("a", "b", "c");
  const effects = queue.press("left");
  assert.deepEqual(effects.slice(0, 2), [
    { do: "save", id: "r1", answer: { assignment: "a", side: "left", rt_ms: 900 } },
    { do: "flash", side: "left" },
  ]);
  assert.ok(effects.some((effect) => effect.do === "swap" && effect.id === "b"));
  assert.deepEqual(queue.press("left").map((effect) => effect.do), ["hint"]); // b is guarded still
  assert.equal(queue.did("save").length, 1);
});

test("without a next pair the answer is kept and nothing else can be answered", () => {
  const queue = ready("a");
  queue.press("tie");
  assert.equal(queue.state.phase, "fill");
  assert.deepEqual(queue.press("tie"), []);
});

test("undo shows the former answer, another key revises it, and the interrupted pair comes back", () => {
  const queue = ready("a", "b", "c");
  queue.press("left");
  queue.play();
  queue.on("undo");
  queue.play();
  assert.equal(queue.state.phase, "review");
  assert.equal(frontPair(queue.state)?.assignment, "a");
  assert.equal(reviewed(queue.state)?.side, "left");
  queue.press("right");
  assert.deepEqual(queue.did("save")[1], { do: "save", id: "r2", answer: { assignment: "a", side: "right", rt_ms: 900, supersedes: "r1" } });
  queue.play();
  assert.equal(queue.state.front, "b");
  assert.equal(queue.state.phase, "open");
  queue.on("undo");
  queue.play();
  queue.press("tie");
  assert.equal(queue.did("save")[2].answer.supersedes, "r2"); // a chain, never a tree
});

test("in review the same key, like Esc, lets the old answer stand", () => {
  for (const leave of [(/** @type {any} */ queue) => queue.press("left"), (/** @type {any} */ queue) => queue.on("escape")]) {
    const queue = ready("a", "b");
    queue.press("left");
    queue.play();
    queue.on("undo");
    queue.play();
    leave(queue);
    queue.play();
    assert.equal(queue.did("save").length, 1);
    assert.equal(queue.state.front, "b");
  }
});

test("undo goes back further, at most over the undo window, then asks the server once", () => {
  const queue = ready("a", "b", "c", "d", "e", "f");
  for (const side of ["left", "right", "tie", "left", "right"]) {
    queue.press(side);
    queue.play();
  }
  for (let times = 0; times < UNDO; times += 1) queue.on("undo");
  queue.play();
  assert.equal(reviewed(queue.state)?.pair.assignment, "c");
  assert.deepEqual(queue.on("undo"), [{ do: "hint", name: "no_older" }]);
});

test("after a reload undo fetches the earlier answers", () => {
  const queue = ready("x", "y");
  assert.deepEqual(queue.on("undo"), [{ do: "recall" }]);
  const items = ["b", "a"].map((id) => ({ pair: { ...assignment(id), loaded: false }, response: `of-${id}`, side: "tie" }));
  queue.on("recalled", { items });
  queue.play();
  assert.equal(reviewed(queue.state)?.pair.assignment, "b");
  queue.press("left");
  assert.equal(queue.did("save")[0].answer.supersedes, "of-b");
  queue.play();
  assert.equal(queue.state.front, "x");
});

test("an undecodable clip is reported and its pair never shown", () => {
  const queue = machine();
  queue.on("booted", { unsent: [] });
  queue.claimed("bad", "good");
  const effects = queue.on("broken", { id: "bad", reason: "no picture" });
  assert.deepEqual(effects[0], { do: "report", id: "bad", reason: "no picture" });
  assert.ok(effects.some((effect) => effect.do === "drop" && effect.id === "bad"));
  queue.play();
  assert.equal(queue.state.front, "good");
});

test("clips in memory stay flat over a thousand answers", () => {
  const queue = ready("0", "1", "2", "3", "4", "5", "6", "7");
  for (let number = 8; number < 1008; number += 1) {
    queue.press("left");
    queue.claimed(String(number));
    queue.play();
    assert.ok(queue.state.blobs.length <= READY + UNDO + 1);
  }
  assert.equal(queue.did("save").length, 1000);
  assert.equal(queue.did("download").length - queue.did("drop").length, queue.state.blobs.length);
  assert.ok(queue.state.answered.length <= 64);
  assert.equal(queue.state.history.length, UNDO);
});

test("a late refill cannot bring an answered pair back", () => {
  const queue = ready("a", "b", "c", "d", "e");
  queue.press("left");
  queue.claimed("a", "f");
  assert.ok(!queue.state.pairs.some((pair) => pair.assignment === "a"));
});

test("answers that wait in the outbox since before a reload are not asked again", () => {
  const queue = machine();
  queue.on("booted", { unsent: ["a"] });
  queue.claimed("a", "b");
  assert.deepEqual(queue.state.pairs.map((pair) => pair.assignment), ["b"]);
});

test("the empty queue waits, and claims by itself when the server has pairs", () => {
  const queue = machine();
  queue.on("booted", { unsent: [] });
  assert.deepEqual(queue.claimed(), [{ do: "wait" }]);
  assert.equal(queue.state.phase, "empty");
  assert.deepEqual(queue.on("waited", { available: false, state: "waiting", told: { wasAsked: false } }), [{ do: "wait" }]);
  const { told } = queue.state;
  assert.deepEqual(told, { wasAsked: false });
  queue.on("waited", { available: false }); // a poll that failed tells nothing
  assert.equal(queue.state.told, told);
  assert.deepEqual(queue.on("waited", { available: true, state: "training" }), [{ do: "claim", want: READY }]);
  assert.equal(queue.state.phase, "fill");
});

test("an experiment without a task holds the page until its owner has said one", () => {
  const queue = machine();
  queue.on("booted", { unsent: [] });
  queue.on("claimed", { assignments: [], state: "needs_task" });
  assert.equal(queue.state.phase, "held");
  queue.on("waited", { available: true, state: "training" });
  assert.notEqual(queue.state.phase, "held");
});

test("a paused or finished experiment holds the page, and resuming goes on", () => {
  const queue = machine();
  queue.on("booted", { unsent: [] });
  queue.on("claimed", { assignments: [], state: "paused" });
  assert.equal(queue.state.phase, "held");
  queue.on("waited", { available: true, state: "training" });
  queue.claimed("a");
  queue.play();
  assert.equal(queue.state.phase, "open");
});

test("a failed claim is retried later, not at once", () => {
  const queue = machine();
  queue.on("booted", { unsent: [] });
  assert.deepEqual(queue.on("claim-failed"), [{ do: "retry" }]);
  assert.deepEqual(queue.on("retry"), [{ do: "claim", want: READY }]);
});

test("signed out, it asks for nothing, keeps the pair, and goes on after signing in", () => {
  const queue = ready("a");
  queue.on("claim-failed");
  queue.on("signed-out");
  assert.deepEqual(queue.on("retry"), []);
  assert.equal(refillWanted(queue.state), 0);
  queue.press("left");
  assert.equal(queue.did("save").length, 1);
  assert.deepEqual(queue.on("signed-in").map((effect) => effect.do), ["claim"]);
});

test("only one request at a time asks for pairs", () => {
  const queue = ready("a", "b", "c", "d", "e");
  assert.equal(refillWanted(queue.state), READY - 5);
  queue.on("asked");
  assert.equal(refillWanted(queue.state), 0);
  for (let number = 0; number < 5 - LOW + 2; number += 1) {
    queue.press("left");
    queue.play();
  }
  assert.equal(queue.did("claim").length, 1);
});

test("lapsed leases go, but never the pair that somebody is looking at", () => {
  const queue = ready("a", "b", "c");
  queue.on("lapsed", { ids: ["a", "c"] });
  assert.deepEqual(queue.state.pairs.map((pair) => pair.assignment), ["a", "b"]);
});

test("after a sleep the pair in front is replaced too, and its person is told", () => {
  const queue = ready("a", "b", "c");
  assert.equal(queue.state.front, "a");
  queue.on("lapsed", { ids: ["a", "c"], isBack: true });
  assert.deepEqual(queue.did("hint"), [{ do: "hint", name: "replaced" }]);
  assert.deepEqual(queue.state.pairs.map((pair) => pair.assignment), ["b"]);
  queue.play();
  assert.deepEqual([queue.state.front, queue.state.phase], ["b", "open"]);
});

test("a sleep in which no lease ran out changes nothing", () => {
  const queue = ready("a", "b");
  queue.on("lapsed", { ids: [], isBack: true });
  assert.deepEqual([queue.state.front, queue.did("hint")], ["a", []]);
});

test("an unknown event is an error that names it", () => {
  assert.throws(() => step(START, { type: "presss" }), /'presss'/);
});

test("random events: never two answers for a pair, never a front that was not decoded", () => {
  let seed = 7;
  const random = (/** @type {number} */ below) => (seed = (seed * 48271) % 2147483647) % below;
  const queue = machine();
  queue.on("booted", { unsent: [] });
  let made = 0;
  const staged = new Set();
  for (let turn = 0; turn < 20_000; turn += 1) {
    const s = queue.state;
    const some = s.pairs[random(Math.max(1, s.pairs.length))]?.assignment ?? "none";
    const events = [
      () => s.asking === "now" && queue.claimed(...Array.from({ length: random(5) }, () => String(++made))),
      () => queue.on("loaded", { id: some }),
      () => s.history.forEach((done) => queue.on("loaded", { id: done.pair.assignment })),
      () => s.back && staged.add(s.back) && queue.on("staged", { id: s.back }),
      () => queue.on("watched", { id: s.front }),
      () => queue.press(["left", "right", "tie", "cant_tell"][random(4)]),
      () => random(4) === 0 && queue.on("undo"),
      () => random(4) === 0 && queue.on("escape"),
      () => random(30) === 0 && queue.on("broken", { id: some, reason: "x" }),
      () => queue.on("waited", { available: true }),
      () => random(9) === 0 && queue.on("claim-failed"),
      () => queue.on("retry"),
    ];
    events[random(events.length)]();
    if (queue.state.front) assert.ok(staged.has(queue.state.front));
    assert.ok(queue.state.blobs.length <= READY + UNDO + 6);
  }
  const saves = queue.did("save");
  const firsts = saves.filter((save) => !save.answer.supersedes).map((save) => save.answer.assignment);
  assert.ok(firsts.length > 300);
  assert.equal(new Set(firsts).size, firsts.length);
  const superseded = saves.map((save) => save.answer.supersedes).filter(Boolean);
  assert.equal(new Set(superseded).size, superseded.length);
});
