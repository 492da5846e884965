// @ts-check
/** What the page says while there is nothing to answer: what is awaited, and for how long where somebody knows. */

const TICK_MS = 1000;
const BY_FIVE_S = 15; // above it the seconds are told in fives
const IN_MINUTES_S = 100;

/**
 * What the server told of the wait; all of it may be unknown.
 * @typedef {{wasAsked?: boolean, isHeldByOthers?: boolean, isTrainerGone?: boolean, nextClipsS?: number | null,
 *   leftS?: number | null}} Told
 * @typedef {"unknown" | "gone" | "first" | "taken" | "last" | "learning" | "practicing"} Awaited
 * @typedef {"eta" | "over" | ""} Until   the next clips, the end of the training, or nobody knows what
 */

/**
 * @param {Told} told @param {string} experiment its state @param {number} mine own answers
 * @returns {{kind: Awaited, until: Until, seconds: number}}
 */
export function whatIsAwaited(told, experiment, mine) {
  const none = { until: /** @type {Until} */ (""), seconds: 0 };
  if (told.wasAsked === undefined && !mine) return { kind: "unknown", ...none }; // for a moment
  if (told.isTrainerGone) return { kind: "gone", ...none };
  const next = typeof told.nextClipsS === "number" ? { until: /** @type {Until} */ ("eta"), seconds: told.nextClipsS } : null;
  if (told.wasAsked === false && !mine) return { kind: "first", ...(next ?? none) };
  if (experiment === "waiting" && told.isHeldByOthers) return { kind: "taken", ...none };
  if (next) return { kind: mine ? "learning" : "practicing", ...next };
  if (experiment === "training" && mine && typeof told.leftS === "number") return { kind: "last", until: "over", seconds: told.leftS };
  return { kind: mine ? "learning" : "practicing", ...none };
}

/** How a time is told, so that it does not flicker: [the text's name, its number]. @param {Until} until @param {number} seconds */
export function timeText(until, seconds) {
  if (!until) return null;
  if (seconds < 1) return { name: `${until}_soon`, n: 0 };
  if (seconds >= IN_MINUTES_S) return { name: `${until}_minutes`, n: Math.round(seconds / 60) };
  return { name: `${until}_seconds`, n: seconds > BY_FIVE_S ? 5 * Math.round(seconds / 5) : Math.ceil(seconds) };
}

/**
 * @param {{t: (name: string, facts?: Record<string, any>) => string, write: (id: string, text: string) => void,
 *   now?: () => number}} options `write` changes an element where its text changes
 */
export function createWaiting({ t, write, now = Date.now }) {
  /** @type {Told | null} */
  let last = null;
  let toldAt = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let ticking;
  let until = /** @type {Until} */ ("");
  let endAt = 0;

  function tick() {
    const time = timeText(until, (endAt - now()) / 1000);
    write("notice-time", time ? t(time.name, time.n ? { n: time.n } : {}) : "");
  }

  return {
    /** @param {Told} told the same object as long as nothing new was told @param {string} experiment @param {number} mine */
    show(told, experiment, mine) {
      if (told !== last) toldAt = now();
      last = told;
      const awaited = whatIsAwaited(told, experiment, mine);
      until = awaited.until;
      endAt = toldAt + 1000 * awaited.seconds;
      const isKnown = awaited.kind !== "unknown";
      write("notice-title", isKnown ? t(`${awaited.kind}_title`) : "");
      write("notice-text", isKnown ? t(`${awaited.kind}_text`) : "");
      tick();
      ticking ??= setInterval(tick, TICK_MS);
    },
    /** Something else is on the page. */
    stop() {
      clearInterval(ticking);
      ticking = undefined;
      until = "";
      write("notice-time", "");
    },
  };
}
