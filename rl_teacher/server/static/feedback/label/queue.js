// @ts-check
/**
 * The labeling queue as a pure state machine: (state, event) -> [state, effects]. No clock, no page, no network.
 *
 * Two stages exist on the page: `front` is what the labeler sees, `back` is the comparison being decoded behind it.
 * After every event `settle` asks what should be in front, in the back, on disk and on the wire, and returns what is
 * missing as effects. So an event only changes facts, and no order of events can leave half a pair on the screen.
 *
 * @typedef {"left" | "right" | "tie" | "cant_tell"} Side
 * @typedef {{mp4: string, webm: string | null}} Clip
 * @typedef {{assignment: string, left: Clip, right: Clip, fps: number, n_frames: {left: number, right: number},
 *   hold_frames: {left: number, right: number}, end_frames?: {left: number | null, right: number | null},
 *   size: [number, number], lease_until?: string,
 *   guideline_version?: number, min_view_ms?: number}} Assignment   what the server hands out
 * @typedef {Assignment & {loaded: boolean}} Pair   `loaded`: both clips are in memory
 * @typedef {{pair: Pair, response: string, side: Side}} Done   an answered pair that can still be reviewed
 * @typedef {{answered: number, cant_tell: number, labels_wanted: number, mine: number, open: number, has_begun?: boolean}} Progress
 * @typedef {"boot" | "fill" | "guard" | "open" | "review" | "empty" | "held"} Phase
 * @typedef {{type: string, [fact: string]: any}} Event
 * @typedef {{do: string, [fact: string]: any}} Effect
 * @typedef {{
 *   phase: Phase, pairs: Pair[], history: Done[], front: string | null, back: string | null, backReady: boolean,
 *   watched: boolean, reviewing: string | null, interrupted: string | null, answered: string[], blobs: string[],
 *   booted: boolean, asking: "no" | "now" | "later", drained: boolean, waiting: boolean, recalled: boolean,
 *   recalling: boolean, signedOut: boolean, experiment: string, told: import("./waiting.js").Told, progress: Progress | null,
 * }} State
 */

export const READY = 8; // pairs to hold, the most the server grants at once
export const LOW = 4; // ask for more below this many
export const UNDO = 3; // answered pairs kept in memory
const REMEMBER = 64; // ids of answered pairs, so that a late refill cannot show one again

/** @type {State} */
export const START = Object.freeze({
  phase: "boot", pairs: [], history: [], front: null, back: null, backReady: false, watched: false, reviewing: null,
  interrupted: null, answered: [], blobs: [], booted: false, asking: "no", drained: false, waiting: false,
  recalled: false, recalling: false, signedOut: false, experiment: "training", told: {}, progress: null,
});

/**
 * The one transition function; the state handed in is not changed.
 * @param {State} state @param {Event} event @returns {[State, Effect[]]}
 */
export function step(state, event) {
  const s = { ...state };
  /** @type {Effect[]} */
  const effects = [];
  const handler = HANDLERS[event.type];
  if (!handler) throw new Error(`queue.js: event '${event.type}' is not known`);
  handler(s, event, effects);
  settle(s, effects);
  return [s, effects];
}

/** How many more pairs an answer may bring along: none while another request asks already. @param {State} s */
export const refillWanted = (s) => (s.asking === "no" && !s.signedOut ? Math.max(0, READY - s.pairs.length) : 0);

/** The pair in front, live or answered. @param {State} s */
export const frontPair = (s) => find(s, s.front);

/** The answer under review. @param {State} s */
export const reviewed = (s) => s.history.find((done) => done.pair.assignment === s.reviewing) ?? null;

/** @param {State} s @param {string | null} id @returns {Pair | null} */
export function find(s, id) {
  return s.pairs.find((pair) => pair.assignment === id)
    ?? s.history.find((done) => done.pair.assignment === id)?.pair ?? null;
}

/** @type {Record<string, (s: State, event: Event, effects: Effect[]) => void>} */
const HANDLERS = {
  /** The outbox is open; `unsent` are assignments whose answers wait there. */
  booted(s, { unsent }) {
    s.booted = true;
    s.answered = [...unsent].slice(-REMEMBER);
  },
  /** A request that may bring pairs left the page. */
  asked(s) {
    s.asking = "now";
  },
  claimed(s, { assignments, state, progress }) {
    const known = new Set([...s.pairs.map((pair) => pair.assignment), ...s.answered]);
    const fresh = assignments.filter((/** @type {Assignment} */ one) => !known.has(one.assignment));
    s.pairs = [...s.pairs, ...fresh.map((/** @type {Assignment} */ one) => ({ ...one, loaded: false }))];
    s.asking = "no";
    s.drained = assignments.length === 0;
    s.experiment = state ?? s.experiment;
    s.progress = progress ?? s.progress;
  },
  "claim-failed"(s, _event, effects) {
    s.asking = "later";
    effects.push({ do: "retry" });
  },
  retry(s) {
    if (s.asking === "later") s.asking = "no";
  },
  /** A long-poll came back, or failed (then nothing is available). */
  waited(s, { available, state, told, progress }) {
    s.waiting = false;
    s.drained = !available;
    s.experiment = state ?? s.experiment;
    s.told = told ?? (s.told.wasAsked === undefined ? { wasAsked: true } : s.told);
    s.progress = progress ?? s.progress;
  },
  progress(s, { progress, state }) {
    s.progress = progress ?? s.progress;
    s.experiment = state ?? s.experiment;
  },
  loaded(s, { id }) {
    if (id === s.back) s.back = null; // another rendition of it: decode again
    const mark = (/** @type {Pair} */ pair) => (pair.assignment === id ? { ...pair, loaded: true } : pair);
    s.pairs = s.pairs.map(mark);
    s.history = s.history.map((done) => ({ ...done, pair: mark(done.pair) }));
  },
  /** A clip is missing or cannot be decoded: the pair is reported and never shown. */
  broken(s, { id, reason }, effects) {
    if (!find(s, id)) return;
    if (s.pairs.some((pair) => pair.assignment === id)) effects.push({ do: "report", id, reason });
    forget(s, [id]);
    s.history = s.history.filter((done) => done.pair.assignment !== id);
    if (s.reviewing === id) s.reviewing = null;
  },
  /** Leases that are over; the pair in front stays, human work is never thrown away, unless its person was away. */
  lapsed(s, { ids, isBack }, effects) {
    const isLookedAt = (/** @type {string} */ id) => id === s.front || id === s.interrupted;
    if (isBack && ids.some(isLookedAt)) effects.push({ do: "hint", name: "replaced" });
    forget(s, ids.filter((/** @type {string} */ id) => isBack || !isLookedAt(id)));
  },
  /** Both first frames of the back stage are decoded. */
  staged(s, { id }) {
    if (id === s.back) s.backReady = true;
  },
  watched(s, { id }) {
    if (id === s.front) s.watched = true;
  },
  /** The labeler said which is better; `response` is a fresh uuid, `facts` what was measured. */
  press(s, { side, response, facts }, effects) {
    if (s.phase === "guard") effects.push({ do: "hint", name: "too_soon" });
    if (s.phase === "review") return revise(s, side, response, facts, effects);
    if (s.phase !== "open" || s.front === null) return;
    const pair = /** @type {Pair} */ (find(s, s.front));
    effects.push({ do: "save", id: response, answer: { assignment: pair.assignment, side, ...facts } });
    effects.push({ do: "flash", side });
    s.pairs = s.pairs.filter((one) => one !== pair);
    s.history = [...s.history, { pair, response, side }].slice(-UNDO);
    s.answered = [...s.answered, pair.assignment].slice(-REMEMBER);
    if (s.interrupted === pair.assignment) s.interrupted = null;
  },
  /** Show the answer before this one; before the first, ask the server for older ones (once). */
  undo(s, _event, effects) {
    const here = s.history.findIndex((done) => done.pair.assignment === s.reviewing);
    const previous = s.history[here < 0 ? s.history.length - 1 : here - 1];
    if (previous) return review(s, previous.pair.assignment);
    if (!s.recalled && s.history.length < UNDO && !s.signedOut) {
      if (!s.recalling) effects.push({ do: "recall" });
      s.recalling = true;
    } else effects.push({ do: "hint", name: "no_older" });
  },
  /** Earlier answers, newest first, of a page that was closed since. */
  recalled(s, { items, failed }, effects) {
    s.recalling = false;
    s.recalled = !failed;
    const known = new Set([...s.history.map((done) => done.pair.assignment), ...s.answered]);
    const older = items.filter((/** @type {Done} */ done) => !known.has(done.pair.assignment));
    const room = UNDO - s.history.length;
    s.history = [...older.slice(0, room).reverse(), ...s.history];
    if (older.length && room > 0) HANDLERS.undo(s, { type: "undo" }, effects);
    else effects.push({ do: "hint", name: failed ? "offline" : "no_older" });
  },
  escape(s) {
    s.reviewing = null;
  },
  "signed-out"(s) {
    s.signedOut = true;
  },
  "signed-in"(s) {
    s.signedOut = false;
    s.waiting = false;
    s.asking = "no";
  },
};

/** @param {State} s @param {string} id */
function review(s, id) {
  if (s.pairs.some((pair) => pair.assignment === s.front)) s.interrupted = s.front;
  s.reviewing = id;
}

/** @param {State} s @param {Side} side @param {string} response @param {object} facts @param {Effect[]} effects */
function revise(s, side, response, facts, effects) {
  const old = reviewed(s);
  if (!old) return;
  if (old.side !== side) {
    const answer = { assignment: old.pair.assignment, side, ...facts, supersedes: old.response };
    effects.push({ do: "save", id: response, answer });
    s.history = s.history.map((done) => (done === old ? { ...done, side, response } : done));
  }
  effects.push({ do: "flash", side });
  s.reviewing = null;
}

/** @param {State} s @param {string[]} ids */
function forget(s, ids) {
  s.pairs = s.pairs.filter((pair) => !ids.includes(pair.assignment));
  if (s.front && ids.includes(s.front)) s.front = null;
  if (s.back && ids.includes(s.back)) s.back = null;
  if (s.interrupted && ids.includes(s.interrupted)) s.interrupted = null;
}

/** Bring stages, memory and requests in line with the facts. @param {State} s @param {Effect[]} effects */
function settle(s, effects) {
  const target = wanted(s);
  if (target !== s.front && target !== null && target === s.back && s.backReady) {
    Object.assign(s, { front: target, back: null, backReady: false, watched: false });
    effects.push({ do: "swap", id: target });
  }
  const next = target !== s.front ? target : s.pairs.find((pair) => pair.loaded && pair.assignment !== s.front);
  const back = typeof next === "string" ? next : next?.assignment ?? null;
  if (back !== s.back && (back === null || find(s, back)?.loaded)) {
    Object.assign(s, { back, backReady: false });
    if (back !== null) effects.push({ do: "stage", id: back });
  }
  memory(s, effects);
  requests(s, effects);
  s.phase = phaseOf(s, target);
}

/** Which pair should be in front. @param {State} s @returns {string | null} */
function wanted(s) {
  const live = (/** @type {string | null} */ id) => s.pairs.some((pair) => pair.assignment === id);
  if (s.reviewing !== null) return s.reviewing;
  if (live(s.front)) return s.front;
  if (live(s.interrupted)) return s.interrupted;
  if (live(s.back)) return s.back;
  return s.pairs.find((pair) => pair.loaded)?.assignment ?? null;
}

/** Clips in memory = pairs to answer + the undo window + what is on a stage. @param {State} s @param {Effect[]} effects */
function memory(s, effects) {
  const keep = new Set([...s.pairs, ...s.history.map((done) => done.pair)].map((pair) => pair.assignment));
  for (const id of keep) if (!s.blobs.includes(id)) effects.push({ do: "download", id });
  if (s.front) keep.add(s.front);
  if (s.back) keep.add(s.back);
  for (const id of s.blobs) if (!keep.has(id)) effects.push({ do: "drop", id });
  s.blobs = [...keep];
}

/** Claim while pairs run low; wait for news when there are none. @param {State} s @param {Effect[]} effects */
function requests(s, effects) {
  if (!s.booted || s.signedOut || s.asking !== "no") return;
  if (s.pairs.length < LOW && !s.drained) {
    s.asking = "now";
    effects.push({ do: "claim", want: READY - s.pairs.length });
  } else if (s.pairs.length === 0 && s.drained && !s.waiting) {
    s.waiting = true;
    effects.push({ do: "wait" });
  }
}

/** @param {State} s @param {string | null} target @returns {Phase} */
function phaseOf(s, target) {
  if (!s.booted) return "boot";
  if (target !== null) {
    if (target !== s.front) return "fill";
    if (s.reviewing !== null) return "review";
    return s.watched ? "open" : "guard";
  }
  if (s.pairs.length || !s.drained) return "fill";
  return ["paused", "needs_task", "done"].includes(s.experiment) ? "held" : "empty";
}
