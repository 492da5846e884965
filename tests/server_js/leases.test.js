// @ts-check
/** Which pairs are replaced after a sleep. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createLeases } from "../../rl_teacher/server/static/feedback/label/leases.js";

/** @param {string[]} live */
function rig(live) {
  const self = { now: 0, kept: /** @type {string[]} */ ([]), isAway: false, events: /** @type {any[]} */ ([]), failures: 0 };
  const api = /** @type {any} */ ({
    async renew(/** @type {string[]} */ ids) {
      if (self.isAway) throw new Error("offline");
      return { leases: Object.fromEntries(ids.filter((id) => self.kept.includes(id)).map((id) => [id, "later"])) };
    },
  });
  const leases = createLeases({
    api, tab: "t", live: () => live, dispatch: (event) => void self.events.push(event), onFailed: () => void (self.failures += 1), now: () => self.now,
  });
  return { self, leases };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

test("ticks that come in time are no sleep, one that comes much too late is", async () => {
  const { self, leases } = rig(["a", "b"]);
  self.kept = ["b"];
  for (self.now = 1000; self.now <= 61_000; self.now += 20_000) leases.tick();
  await settled();
  assert.deepEqual(self.events, []);
  self.now += 3_600_000;
  leases.tick();
  await settled();
  assert.deepEqual(self.events, [{ type: "lapsed", ids: ["a"], isBack: true }]);
});

test("a return that the server did not hear of is told with the next renewal", async () => {
  const { self, leases } = rig(["a"]);
  self.isAway = true;
  await leases.back();
  assert.deepEqual([self.events.length, self.failures], [0, 1]);
  self.isAway = false;
  self.now += 3_600_000;
  leases.tick();
  await settled();
  assert.deepEqual(self.events, [{ type: "lapsed", ids: ["a"], isBack: true }]);
});

test("who holds nothing has nothing replaced", async () => {
  const { self, leases } = rig([]);
  await leases.back();
  assert.deepEqual(self.events, []);
});
