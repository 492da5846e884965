// @ts-check
/** An early clip beside a recent one: both in memory before they are shown, and played from their start together. */

import { preferredRenditions } from "./clips.js";

/** @typedef {import("./lesson.js").Clip} Clip @typedef {"then" | "now"} Moment */

const MOMENTS = /** @type {const} */ (["then", "now"]);
export const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/**
 * @param {HTMLElement} root with a figure for each moment, and a video in it
 * @param {number} [seconds] after which both begin again; 0: each at its own end
 */
export function createThenNow(root, seconds = 0) {
  /** @type {Record<Moment, {name: string, ready: boolean}>} */
  const held = { then: { name: "", ready: false }, now: { name: "", ready: false } };
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let again;

  const figure = (/** @type {Moment} */ moment) => /** @type {HTMLElement} */ (root.querySelector(`[data-moment="${moment}"]`));
  const screen = (/** @type {Moment} */ moment) => /** @type {HTMLVideoElement} */ (figure(moment).querySelector("video"));

  /** Whether this clip is in memory now and can be played. @param {Moment} moment @param {Clip | null} clip */
  async function hold(moment, clip) {
    const own = held[moment];
    const video = screen(moment);
    const rendition = clip && preferredRenditions(video).find((one) => clip[one]);
    const url = clip && rendition ? clip[rendition] ?? "" : "";
    const name = url.split("?")[0]; // what follows is a signature, which changes every hour
    if (name !== own.name || !own.ready) {
      Object.assign(own, { name, ready: false });
      own.ready = url !== "" && await load(video, url).catch(() => false);
    }
    figure(moment).hidden = !own.ready;
    return own.ready;
  }

  function start() {
    for (const moment of MOMENTS) {
      const video = screen(moment);
      if (!held[moment].ready) continue;
      video.currentTime = 0;
      if (!isStill()) void video.play().catch(() => {});
    }
  }

  function stop() {
    clearInterval(again);
    for (const moment of MOMENTS) screen(moment).pause();
  }

  return {
    stop,
    /** Get both clips; how many there are. @param {Clip | null} then @param {Clip | null} now */
    hold: async (then, now) => (await Promise.all([hold("then", then), hold("now", now)])).filter(Boolean).length,
    play() {
      stop();
      for (const moment of MOMENTS) screen(moment).controls = isStill();
      start();
      if (seconds && !isStill()) again = setInterval(start, seconds * 1000);
    },
  };
}

/** @param {HTMLVideoElement} video @param {string} url */
async function load(video, url) {
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) return false;
  const old = video.src;
  const came = new Promise((resolve) => {
    video.onloadeddata = () => resolve(true);
    video.onerror = () => resolve(false);
  });
  video.src = URL.createObjectURL(await answer.blob());
  if (old.startsWith("blob:")) URL.revokeObjectURL(old);
  return await came;
}
