import assert from "node:assert/strict";
import test from "node:test";

import { createClips } from "../../rl_teacher/server/static/feedback/label/clips.js";

const pair = { assignment: "one", left: { mp4: "/left", webm: null }, right: { mp4: "/right", webm: null } };

/** What becomes of a pair where the n-th fetch of a clip is answered by `status(n)`. */
async function load(t, status) {
  const tries = { "/left": 0, "/right": 0 };
  t.mock.method(globalThis, "setTimeout", (done) => setImmediate(done));
  t.mock.method(globalThis, "fetch", async (url) => {
    tries[url] += 1;
    const code = status(tries[url]);
    if (code === 0) throw new TypeError("network");
    return new Response(code === 200 ? "clip" : "", { status: code });
  });
  const end = await new Promise((resolve) => {
    const clips = createClips({
      renditions: ["mp4"],
      needsWebm: false,
      onNeedsWebm: () => {},
      refresh: async () => pair,
      onLoaded: () => resolve("loaded"),
      onBroken: (_, reason) => resolve(reason),
    });
    void clips.want(pair);
  });
  return { end, tries: tries["/left"] };
}

test("a store that is busy for long breaks no pair", async (t) => {
  assert.deepEqual(await load(t, (n) => (n > 200 ? 200 : 503)), { end: "loaded", tries: 201 });
});

test("a clip that the server says is not there breaks the pair, after fresh addresses were tried", async (t) => {
  const { end, tries } = await load(t, () => 404);
  assert.match(end, /HTTP 404/);
  assert.equal(tries, 2);
});

test("a line that never answers breaks the pair in the end, so that another is shown", async (t) => {
  const { end, tries } = await load(t, () => 0);
  assert.match(end, /no answer after 40 tries/);
  assert.equal(tries, 41);
});
