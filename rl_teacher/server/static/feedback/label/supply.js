// @ts-check
/** Where pairs come from: claims, the wait for new clips, and earlier answers for undo; each ends in an event. */

import { showTask } from "./task.js";

const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * @param {{api: ReturnType<typeof import("./api.js").createApi>, tab: string, have: () => string[],
 *   dispatch: (event: import("./queue.js").Event) => void, onFailed: (error: any) => void,
 *   onHeld: (ids: string[], until: string | null) => void, onNews: (count: number) => void}} options
 */
export function createSupply({ api, tab, have, dispatch, onFailed, onHeld, onNews }) {
  const leaving = new AbortController();
  let failures = 0;
  let emptyClaims = 0;
  let seen = "";
  let looks = 0; // at an empty queue; the first is a short one, to learn when clips come

  /** Pairs came, by a claim or along with an answer. @param {any} told */
  function claimed({ assignments, held_until: heldUntil, state, progress, task }) {
    showTask(task);
    failures = 0;
    emptyClaims = assignments.length ? 0 : emptyClaims + 1;
    if (assignments.length) looks = 0;
    dispatch({ type: "claimed", assignments, state, progress });
    onHeld(have(), heldUntil);
  }

  return {
    claimed,
    /** @param {number} want */
    async claim(want) {
      try {
        claimed(await api.claim({ want, have: have(), tab }));
      } catch (error) {
        onFailed(error);
        dispatch({ type: "claim-failed" });
      }
    },
    async retry() {
      failures += 1;
      await pause(Math.min(8000, 500 * 2 ** failures) * (0.5 + Math.random() / 2));
      dispatch({ type: "retry" });
    },
    async wait() {
      if (emptyClaims > 1) await pause(1000); // "available", and then others took it
      try {
        const told = await api.wait(leaving.signal, looks++ ? 20 : 0, seen);
        seen = told.seen ?? "";
        showTask(told.task);
        if (told.available) onNews(told.progress?.open || 1);
        const { next_clips_s: nextClipsS, training_left_s: leftS, trainer_gone: isTrainerGone } = told;
        const of = { nextClipsS, leftS, isTrainerGone, wasAsked: told.was_asked, isHeldByOthers: told.held_by_others };
        dispatch({ type: "waited", ...told, told: of });
      } catch (error) {
        onFailed(error);
        await pause(3000);
        dispatch({ type: "waited", available: false });
      }
    },
    async recall() {
      try {
        const { responses } = await api.mine(3);
        const items = responses.map((/** @type {any} */ one) => ({ pair: { ...one, loaded: false }, response: one.response, side: one.side }));
        dispatch({ type: "recalled", items });
      } catch (error) {
        onFailed(error);
        dispatch({ type: "recalled", items: [], failed: true });
      }
    },
    stop: () => leaving.abort(),
  };
}
