// @ts-check
/** What is worth a moment on the way: that learning has begun, and how far the agent has come since then. */

import { isDialogOpen } from "./input.js";
import { createThenNow, isStill } from "./moments.js";
import { element } from "./view.js";

export const EVERY = 25; // answers
const SHOW_MS = 3000;
const CARD_MS = 15_000;

/** Whether the answer with this number is followed by a look at then and now. @param {number} mine */
export const isRound = (mine) => mine > 0 && mine % EVERY === 0;

/**
 * @param {{api: ReturnType<typeof import("./api.js").createApi>, slug: string, mine: number,
 *   t: (name: string, facts?: Record<string, any>) => string, look: () => void}} options
 *   `mine`: answers of this person so far; `look`: whether anybody sees the pair may have changed
 */
export function createMilestones({ api, slug, mine, t, look }) {
  const dialog = /** @type {HTMLDialogElement} */ (element("milestone"));
  const inDialog = createThenNow(element("milestone-clips"), SHOW_MS / 1000);
  const inWait = createThenNow(element("wait-clips"), SHOW_MS / 1000);
  const key = `rl-teacher.begun.${slug}`;
  let isEmpty = false;
  let [isReady, isPreparing, isDue] = [false, false, false];
  let given = mine;
  let hasWaited = false; // whether this page saw the time before
  /** @type {ReturnType<typeof setTimeout>[]} */
  const timers = [];

  /** That learning has begun is said once in each browser, to whoever had a part in it. @param {import("./lesson.js").Lesson} lesson */
  function told(lesson) {
    if (!lesson.has_begun) {
      hasWaited = true;
      return localStorage.removeItem(key); // another run of this name
    }
    if (lesson.state === "done" || localStorage.getItem(key) || !(hasWaited || given)) return;
    localStorage.setItem(key, "1");
    element("begun-title").textContent = t(given ? "begun_title" : "begun_title_others");
    element("begun-text").textContent = lesson.relevances ? t("begun_relevances", { what: lesson.relevances }) : t("begun_text");
    element("begun").hidden = false;
    setTimeout(close, CARD_MS);
  }

  const close = () => void (element("begun").hidden = true);

  /** The clips of now; two, or else there is nothing to compare. @param {ReturnType<typeof createThenNow>} clips */
  async function fetchInto(clips) {
    const lesson = await api.lesson(AbortSignal.timeout(10_000), 0, "").catch(() => null);
    return lesson !== null && await clips.hold(lesson.then, lesson.now) === 2;
  }

  /** Fetch what a milestone shows, ahead of it; where there is nothing to compare, none is due. */
  async function prepare() {
    if (isPreparing) return;
    isPreparing = true;
    isReady = await fetchInto(inDialog);
    if (!isReady) isDue = false;
    isPreparing = false;
  }

  /** At once with an answer or not at all: a dialog that comes later would swallow the next one. */
  function open() {
    if (isEmpty || document.hidden || isDialogOpen()) return;
    isReady = isDue = false;
    dialog.showModal();
    look();
    inDialog.play();
    if (!isStill()) timers.push(setTimeout(() => dialog.close(), SHOW_MS));
  }

  async function wait() {
    const many = await fetchInto(inWait);
    element("wait-clips").hidden = !(many && isEmpty);
    if (many && isEmpty) inWait.play();
  }

  dialog.addEventListener("close", () => {
    for (const timer of timers.splice(0)) clearTimeout(timer);
    inDialog.stop();
  });
  element("begun-close").addEventListener("click", close);

  return {
    told,
    /** An answer was given, not only changed. */
    answered() {
      given += 1;
      isDue = isDue || isRound(given);
      if (isDue && isReady) open();
      else if (isDue || isRound(given + 1)) void prepare();
    },
    /** @param {string} phase */
    phase(phase) {
      if ((phase === "empty") === isEmpty) return;
      isEmpty = phase === "empty";
      if (isEmpty) return void wait();
      element("wait-clips").hidden = true;
      inWait.stop();
    },
  };
}
