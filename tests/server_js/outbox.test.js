// @ts-check
/** The outbox: nothing lost, nothing twice, in order, one in flight. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../rl_teacher/server/static/feedback/label/api.js";
import { createOutbox, memoryStore } from "../../rl_teacher/server/static/feedback/label/outbox.js";

const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

/** @param {(entry: any) => any} answerOf may throw @param {import("../../rl_teacher/server/static/feedback/label/outbox.js").Store} [store] */
function post(answerOf, store = memoryStore()) {
  const log = { sent: /** @type {string[]} */ ([]), trouble: /** @type {string[]} */ ([]), refused: /** @type {any[]} */ ([]), most: 0 };
  let inFlight = 0;
  const outbox = createOutbox({
    store, user: "1", slug: "hop", random: () => 0, sleep: async () => {},
    async send(entry) {
      log.most = Math.max(log.most, ++inFlight);
      try {
        await Promise.resolve();
        return await answerOf(entry);
      } finally {
        inFlight -= 1;
      }
    },
    onSent: (entry) => log.sent.push(entry.id),
    onChange: (_unsent, refused) => (log.refused = refused),
    onTrouble: (kind) => log.trouble.push(kind),
  });
  return { outbox, log, store };
}

test("answers go out in order, one in flight, and are gone once acknowledged", async () => {
  const { outbox, log, store } = post(() => ({}));
  for (let n = 0; n < 50; n += 1) void outbox.post(`r${n}`, { side: "left" });
  await settled();
  assert.deepEqual(log.sent, Array.from({ length: 50 }, (_, n) => `r${n}`));
  assert.equal(log.most, 1);
  assert.deepEqual(await store.all("1"), []);
});

for (const status of [0, 429, 500, 503]) {
  test(`status ${status} is retried until it is acknowledged`, async () => {
    let failures = 3;
    const { outbox, log } = post(() => {
      if (failures-- > 0) throw new ApiError(status, "busy", "");
    });
    void outbox.post("r1", {});
    void outbox.post("r2", {});
    await settled();
    assert.deepEqual(log.sent, ["r1", "r2"]);
    assert.deepEqual(log.trouble, ["retry", "retry", "retry"]);
  });
}

test("a refused answer is parked and shown, and does not block the next; trying again sends it", async () => {
  let isFixed = false;
  const { outbox, log } = post((entry) => {
    if (entry.id === "bad" && !isFixed) throw new ApiError(422, "invalid", "side: got 'up'");
  });
  void outbox.post("bad", {});
  void outbox.post("good", {});
  await settled();
  assert.deepEqual(log.sent, ["good"]);
  assert.equal(log.refused[0].refused, "side: got 'up'");
  isFixed = true;
  await outbox.settle(true);
  assert.deepEqual(log.sent, ["good", "bad"]);
});

test("an answer that a second tab already gave is dropped", async () => {
  const { outbox, log, store } = post(() => {
    throw new ApiError(409, "already-answered", "");
  });
  void outbox.post("r1", {});
  await settled();
  assert.deepEqual([log.refused, await store.all("1")], [[], []]);
});

for (const [status, slug] of /** @type {const} */ ([[401, "not-signed-in"], [403, "csrf"]])) {
  test(`${slug}: everything waits until somebody signs in`, async () => {
    let isSignedIn = false;
    const { outbox, log } = post(() => {
      if (!isSignedIn) throw new ApiError(status, slug, "");
    });
    void outbox.post("r1", {});
    await settled();
    assert.deepEqual([log.trouble, log.sent], [["signed-out"], []]);
    isSignedIn = true;
    await outbox.kick();
    assert.deepEqual(log.sent, ["r1"]);
  });
}

test("what a closed page left behind is sent by the next, but only under the same login", async () => {
  const store = memoryStore();
  await store.add({ id: "mine", user: "1", slug: "hop", answer: {}, at: 0 });
  await store.add({ id: "theirs", user: "2", slug: "hop", answer: {}, at: 0 });
  const { outbox, log } = post(() => ({}), store);
  await outbox.kick();
  assert.deepEqual(log.sent, ["mine"]);
  assert.equal((await store.all("2")).length, 1);
});

test("a full disk does not cost the answer", async () => {
  const store = { ...memoryStore(), add: async () => Promise.reject(new Error("QuotaExceededError")) };
  const { outbox, log } = post(() => ({}), store);
  void outbox.post("r1", {});
  await settled();
  assert.deepEqual([log.sent, log.trouble], [["r1"], ["storage"]]);
});
