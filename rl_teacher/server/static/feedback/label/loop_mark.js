// @ts-check
/** A sign in the corner of clips that begin again: who looked away knows that this is the start, and no jump of the body. */

const FRAMES = [{ opacity: 1 }, { opacity: 1, offset: 0.4 }, { opacity: 0 }];
const MS = 900;

/** @param {HTMLVideoElement[]} videos */
export function markLoop(videos) {
  for (const video of videos) video.closest(".frame")?.querySelector(".again")?.animate(FRAMES, MS);
}
