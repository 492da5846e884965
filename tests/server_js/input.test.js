// @ts-check
/** Keys, touch and the response clock. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { uuid } from "../../rl_teacher/server/static/feedback/label/api.js";
import { createAttention } from "../../rl_teacher/server/static/feedback/label/attention.js";
import { actionOf, DEFAULTS, readBindings } from "../../rl_teacher/server/static/feedback/label/keys.js";
import { createGestures } from "../../rl_teacher/server/static/feedback/label/touch.js";

/** @param {string} code @param {object} [more] */
const key = (code, more = {}) => ({ code, key: code, repeat: false, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });

for (const [code, action] of Object.entries({
  ArrowLeft: "left", KeyA: "left", ArrowRight: "right", KeyD: "right", ArrowUp: "tie", KeyW: "tie", ArrowDown: "cant_tell",
  KeyS: "cant_tell", Backspace: "undo", KeyU: "undo", Space: "toggle", KeyR: "restart", Comma: "back", Period: "forward",
  Digit1: "speed1", Digit4: "speed4", KeyF: "flag", Escape: "escape",
})) {
  test(`${code} means ${action}`, () => assert.equal(actionOf(key(code), DEFAULTS), action));
}

test("help goes by the sign, because it needs Shift", () => {
  assert.equal(actionOf(key("Slash", { key: "?", shiftKey: true }), DEFAULTS), "help");
});

test("Ctrl+Z and Cmd+Z undo; other chords belong to the browser", () => {
  assert.equal(actionOf(key("KeyZ", { ctrlKey: true }), DEFAULTS), "undo");
  assert.equal(actionOf(key("KeyZ", { metaKey: true }), DEFAULTS), "undo");
  assert.equal(actionOf(key("KeyR", { ctrlKey: true }), DEFAULTS), null);
  assert.equal(actionOf(key("ArrowLeft", { altKey: true }), DEFAULTS), null);
  assert.equal(actionOf(key("KeyZ"), DEFAULTS), null);
});

test("a held key is not an answer, typing is not one either", () => {
  assert.equal(actionOf(key("ArrowLeft", { repeat: true }), DEFAULTS), null);
  for (const tag of ["INPUT", "TEXTAREA", "SELECT"]) assert.equal(actionOf(key("KeyA"), DEFAULTS, { tag }), null);
});

test("Space and Enter belong to the focused control, arrows to a focused scrubber", () => {
  assert.equal(actionOf(key("Space"), DEFAULTS, { tag: "BUTTON" }), null);
  assert.equal(actionOf(key("ArrowLeft"), DEFAULTS, { tag: "BUTTON" }), "left");
  assert.equal(actionOf(key("ArrowLeft"), DEFAULTS, { tag: "INPUT", type: "range" }), null);
  assert.equal(actionOf(key("KeyA"), DEFAULTS, { tag: "INPUT", type: "range" }), "left");
});

test("own bindings replace the default; rubbish in the storage does not", () => {
  const store = (/** @type {string | null} */ text) => ({ getItem: () => text });
  assert.equal(actionOf(key("KeyJ"), readBindings(store('{"left": ["KeyJ"]}'))), "left");
  assert.deepEqual(readBindings(store("{")), DEFAULTS);
  assert.deepEqual(readBindings(store('{"fly": ["KeyJ"], "left": 3}')), { ...DEFAULTS });
});

/** @param {number} id @param {number} x @param {number} y @param {number} t */
const at = (id, x, y, t) => ({ id, x, y, t });

test("a tap chooses the clip under the finger, a long press does not", () => {
  const touch = createGestures();
  touch.down(at(1, 50, 50, 0));
  assert.equal(touch.up(at(1, 54, 52, 120), "left"), "left");
  touch.down(at(1, 50, 50, 0));
  assert.equal(touch.up(at(1, 50, 50, 900), "left"), null);
});

test("swipes up and down are tie and can't tell, sideways is nothing", () => {
  for (const [dx, dy, action] of /** @type {const} */ ([[5, -120, "tie"], [5, 120, "cant_tell"], [120, 10, null], [0, 30, null]])) {
    const touch = createGestures();
    touch.down(at(1, 100, 300, 0));
    assert.equal(touch.up(at(1, 100 + dx, 300 + dy, 200), "right"), action);
  }
});

test("a tap with two fingers is undo, a pinch is nothing", () => {
  const touch = createGestures();
  for (const [spread, action] of /** @type {const} */ ([[0, "undo"], [90, null]])) {
    touch.down(at(1, 100, 100, 0));
    touch.down(at(2, 200, 100, 10));
    assert.equal(touch.up(at(1, 100 - spread, 100, 100), "left"), null);
    assert.equal(touch.up(at(2, 200 + spread, 100, 110), "right"), action);
  }
});

test("the response time leaves out what was hidden", () => {
  let now = 1000;
  const attention = createAttention({ now: () => now });
  attention.painted();
  now = 1400;
  attention.hidden(true);
  now = 3400;
  attention.hidden(false);
  // 3000 ms since painted, of which 2000 hidden
  assert.deepEqual(attention.measure(4000), { rt_ms: 1000, shown_ms: 3000, hidden_ms: 2000 });
});

test("a pair painted while the page is hidden counts from when it is seen", () => {
  let now = 0;
  const attention = createAttention({ now: () => now });
  attention.hidden(true);
  now = 500;
  attention.painted();
  now = 900;
  attention.hidden(false);
  assert.deepEqual(attention.measure(1000), { rt_ms: 100, shown_ms: 500, hidden_ms: 400 });
});

test("ids are version 4 uuids, all different", () => {
  const ids = Array.from({ length: 1000 }, uuid);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(new Set(ids).size, 1000);
});
