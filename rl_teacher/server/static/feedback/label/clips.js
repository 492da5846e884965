// @ts-check
/**
 * Clips in memory: every pair is fetched whole before it is shown, at most four downloads at a time (answers need a free
 * connection), and played from blob: URLs, so that seeking, Range and CORS stay out of the hot path.
 *
 * @typedef {import("./queue.js").Pair} Pair
 * @typedef {"mp4" | "webm"} Rendition
 * @typedef {{left: string, right: string, rendition: Rendition}} Urls
 */

const PARALLEL = 4;
const COPIES_MS = 2000; // between two looks whether VP9 copies have come
const CODECS = /** @type {const} */ ({ mp4: 'video/mp4; codecs="avc1.42E01E"', webm: 'video/webm; codecs="vp9"' });

/** Best rendition first; one the browser denies is still tried last. @param {HTMLVideoElement} video @returns {Rendition[]} */
export function preferredRenditions(video) {
  const rank = { probably: 0, maybe: 1, "": 2 };
  const order = /** @type {Rendition[]} */ (["mp4", "webm"]);
  return order.sort((a, b) => rank[video.canPlayType(CODECS[a])] - rank[video.canPlayType(CODECS[b])]);
}

/** Whether the browser says that it plays VP9 and no H.264. @param {HTMLVideoElement} video */
export const lacksH264 = (video) => !video.canPlayType(CODECS.mp4) && !!video.canPlayType(CODECS.webm);

/**
 * @param {{renditions: Rendition[], needsWebm: boolean, onNeedsWebm: () => void, refresh: (id: string) => Promise<any>, onLoaded: (id: string) => void,
 *   onBroken: (id: string, reason: string) => void}} options `refresh` brings fresh media URLs
 */
export function createClips({ renditions, needsWebm, onNeedsWebm, refresh, onLoaded, onBroken }) {
  /** @type {Map<string, {pair: Pair, abort: AbortController, urls: Urls | null, tried: Rendition[]}>} */
  const held = new Map();
  /** @type {(() => Promise<void>)[]} */
  const waiting = [];
  let running = 0;
  let hasAskedForWebm = false;

  /** @template T @param {() => Promise<T>} work @returns {Promise<T>} */
  const inTurn = (work) => new Promise((resolve, reject) => {
    waiting.push(() => work().then(resolve, reject));
    pump();
  });

  function pump() {
    while (running < PARALLEL && waiting.length) {
      running += 1;
      void /** @type {() => Promise<void>} */ (waiting.shift())().finally(() => {
        running -= 1;
        pump();
      });
    }
  }

  /** @param {Pair} pair */
  async function want(pair) {
    const id = pair.assignment;
    const entry = { pair, abort: new AbortController(), urls: /** @type {Urls | null} */ (null), tried: /** @type {Rendition[]} */ ([]) };
    held.set(id, entry);
    if (needsWebm && !hasWebm(pair) && !await copied(entry)) return;
    const rendition = renditions.find((one) => entry.pair.left[one] && entry.pair.right[one]) ?? "mp4";
    await load(entry, rendition);
  }

  /** Wait until the pair has VP9 copies; false: it is not wanted any more. @param {{pair: Pair, abort: AbortController}} entry */
  async function copied(entry) {
    if (!hasAskedForWebm) onNeedsWebm();
    hasAskedForWebm = true;
    while (!hasWebm(entry.pair)) {
      await pause(COPIES_MS, entry.abort.signal).catch(() => {});
      if (entry.abort.signal.aborted) return false;
      const fresh = await refresh(entry.pair.assignment).catch(() => null);
      if (fresh) entry.pair = { ...entry.pair, left: fresh.left, right: fresh.right };
    }
    return !entry.abort.signal.aborted;
  }

  /** @param {{pair: Pair, abort: AbortController, urls: Urls | null, tried: Rendition[]}} entry @param {Rendition} rendition */
  async function load(entry, rendition) {
    const id = entry.pair.assignment;
    entry.tried.push(rendition);
    try {
      const side = (/** @type {"left" | "right"} */ name) => inTurn(() => fetchClip(entry, name, rendition));
      const [left, right] = await Promise.all([side("left"), side("right")]);
      if (entry.abort.signal.aborted) return;
      entry.urls = { left: URL.createObjectURL(left), right: URL.createObjectURL(right), rendition };
      onLoaded(id);
    } catch (error) {
      if (entry.abort.signal.aborted) return;
      entry.abort.abort();
      onBroken(id, error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {{pair: Pair, abort: AbortController}} entry @param {"left" | "right"} name @param {Rendition} rendition */
  async function fetchClip(entry, name, rendition) {
    const { signal } = entry.abort;
    let isFresh = false;
    for (let failures = 0; ; failures += 1) {
      const status = await attempt(/** @type {string} */ (entry.pair[name][rendition]), signal);
      if (status instanceof Blob) return status;
      signal.throwIfAborted();
      if (status >= 400 && status < 500 && status !== 429) {
        if (isFresh) throw new Error(`${name}: HTTP ${status}`);
        isFresh = true;
        const fresh = await refresh(entry.pair.assignment).catch(() => null);
        if (fresh) entry.pair = { ...entry.pair, left: fresh.left, right: fresh.right };
      } else if (status < 500 && failures >= 40) throw new Error(`${name}: no answer after ${failures} tries (HTTP ${status})`);
      // Where the store of clips is away for long, that is no fault of the pair: it comes when it can.
      await pause(Math.min(5000, 200 * 2 ** failures), signal);
    }
  }

  return {
    want,
    /** @param {string} id */
    urls: (id) => held.get(id)?.urls ?? null,
    /** Undecodable here: try the other rendition, if there is one. @param {string} id @param {string} reason */
    undecodable(id, reason) {
      const entry = held.get(id);
      if (!entry) return;
      revoke(entry.urls);
      entry.urls = null;
      const other = renditions.find((one) => !entry.tried.includes(one) && entry.pair.left[one] && entry.pair.right[one]);
      if (other) void load(entry, other);
      else onBroken(id, reason);
    },
    /** @param {string} id */
    drop(id) {
      const entry = held.get(id);
      entry?.abort.abort();
      revoke(entry?.urls);
      held.delete(id);
    },
    /** How many blobs are alive, for the tests. */
    count: () => 2 * [...held.values()].filter((entry) => entry.urls).length,
  };
}

/** @param {Pair} pair */
const hasWebm = (pair) => !!pair.left.webm && !!pair.right.webm;

/** A blob, or the HTTP status of the failure (0: no answer). @param {string} url @param {AbortSignal} signal */
async function attempt(url, signal) {
  try {
    const answer = await fetch(url, { credentials: "same-origin", signal });
    if (!answer.ok) return answer.status;
    const blob = await answer.blob();
    return blob.size > 0 ? blob : 404;
  } catch {
    return 0;
  }
}

/** @param {number} ms @param {AbortSignal} signal @returns {Promise<void>} */
const pause = (ms, signal) => new Promise((resolve, reject) => {
  const leave = () => {
    clearTimeout(timer);
    reject(signal.reason);
  };
  const timer = setTimeout(() => {
    signal.removeEventListener("abort", leave);
    resolve();
  }, ms);
  signal.addEventListener("abort", leave, { once: true });
});

/** @param {Urls | null | undefined} urls */
function revoke(urls) {
  if (!urls) return;
  URL.revokeObjectURL(urls.left);
  URL.revokeObjectURL(urls.right);
}
