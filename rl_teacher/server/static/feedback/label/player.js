// @ts-check
/**
 * Two stages of two muted videos each. One stage is in front and plays, both sides in step and looping on the longer; the
 * other decodes the next pair behind it. A swap is one attribute on the page, so half a pair is never painted.
 *
 * @typedef {{left: HTMLVideoElement, right: HTMLVideoElement}} Stage
 * @typedef {{id: string, left: string, right: string, fps: number}} Reel
 */

import { markLoop } from "./loop_mark.js";

const GIVE_UP_MS = 8000; // a blob that is not decodable by then never will be

/**
 * @param {{stages: [Stage, Stage], raise: (index: number) => void, onStaged: (id: string) => void,
 *   onBroken: (id: string, reason: string) => void, onPainted: (id: string) => void, onNeedsTap: () => void,
 *   onFrame: (fraction: number) => void}} options
 */
export function createPlayer({ stages, raise, onStaged, onBroken, onPainted, onNeedsTap, onFrame }) {
  /** @type {[Reel | null, Reel | null]} */
  const reels = [null, null];
  let front = 0;
  let speed = 1;
  let isWanted = true; // the labeler wants it to run
  let isSuspended = false; // the page is hidden or a dialog is open
  let loops = 0;
  let watchedMs = 0;
  let runningSince = 0; // 0: not running
  let swapPainted = Promise.resolve();
  let turn = 0; // grows with every swap, so that late callbacks know they are late

  const videos = () => [stages[front].left, stages[front].right];
  const length = () => Math.max(...videos().map((video) => video.duration || 0));
  const fps = () => reels[front]?.fps ?? 30;

  /** Decode a pair in the back. @param {Reel} reel */
  async function stage(reel) {
    const index = 1 - front;
    reels[index] = reel;
    const { left, right } = stages[index];
    await swapPainted; // decoding must not hold up the frame that shows the swap
    if (reels[index] !== reel) return;
    try {
      await Promise.all([decode(left, reel.left), decode(right, reel.right)]);
      if (reels[index] === reel && index !== front) onStaged(reel.id);
    } catch (error) {
      if (reels[index] === reel) onBroken(reel.id, error instanceof Error ? error.message : String(error));
    }
  }

  /** The back comes to the front with the next frame and runs. */
  function swap() {
    const [old, now] = [front, 1 - front];
    halt();
    front = now;
    raise(front);
    [loops, watchedMs] = [0, 0];
    const mine = ++turn;
    for (const video of videos()) video.playbackRate = speed;
    const id = /** @type {Reel} */ (reels[front]).id;
    reels[old] = null;
    swapPainted = painted();
    void swapPainted.then(() => mine === turn && onPainted(id));
    if (isWanted) play();
    watchFrames(mine);
  }

  function play() {
    if (isSuspended) return;
    const pair = videos();
    const mine = turn;
    const isOver = pair.every((video) => video.ended || video.currentTime >= video.duration);
    if (isOver) for (const video of pair) video.currentTime = 0;
    runningSince ||= performance.now();
    Promise.all(pair.map((video) => (video.ended ? undefined : video.play()))).catch((error) => {
      if (mine !== turn || error.name === "AbortError") return;
      halt();
      isWanted = false;
      onNeedsTap();
    });
  }

  function halt() {
    for (const video of videos()) video.pause();
    if (runningSince) watchedMs += performance.now() - runningSince;
    runningSince = 0;
  }

  function rewind() {
    for (const video of videos()) video.currentTime = 0;
    if (isWanted) play();
  }

  /** The longer one decides: when both are over, both start again in one go. */
  function ended() {
    const pair = videos();
    if (!isWanted || !pair.every((video) => video.ended)) return;
    loops += 1;
    rewind();
    markLoop(pair);
  }

  /** Report progress and keep both sides within half a frame of each other. @param {number} mine */
  function watchFrames(mine) {
    const { left, right } = stages[front];
    const look = () => {
      if (mine !== turn) return;
      align(left, right, 1 / fps(), speed);
      const total = length();
      onFrame(total ? Math.min(1, Math.max(left.currentTime, right.currentTime) / total) : 0);
      if (left.requestVideoFrameCallback) left.requestVideoFrameCallback(look);
      else requestAnimationFrame(look);
    };
    look();
    // the left one may be the shorter and hold its end: then frames of the right one count
    if (right.requestVideoFrameCallback && right.duration > left.duration + 0.02) {
      const lookRight = () => {
        if (mine !== turn) return;
        onFrame(Math.min(1, right.currentTime / (length() || 1)));
        right.requestVideoFrameCallback(lookRight);
      };
      right.requestVideoFrameCallback(lookRight);
    }
  }

  for (const { left, right } of stages) {
    for (const video of [left, right]) {
      video.addEventListener("ended", () => videos().includes(video) && ended());
      video.addEventListener("error", () => {
        const reel = reels[front];
        if (reel && videos().includes(video)) onBroken(reel.id, reason(video));
      });
    }
  }

  return {
    stage,
    swap,
    /** Pause; again: go on, or play again from the start when at the end. */
    toggle() {
      isWanted = !isWanted;
      if (isWanted) play();
      else halt();
      return isWanted;
    },
    /** For hidden pages and dialogs: stops without changing what the labeler wants. @param {boolean} isOn */
    suspend(isOn) {
      isSuspended = isOn;
      if (isOn) halt();
      else if (isWanted && reels[front]) play();
    },
    /** @param {boolean} wanted */
    setWanted(wanted) {
      isWanted = wanted;
    },
    isRunning: () => isWanted,
    restart() {
      isWanted = true;
      for (const video of videos()) video.currentTime = 0;
      play();
    },
    /** One frame on or back, both sides. @param {number} frames */
    nudge(frames) {
      isWanted = false;
      halt();
      const longest = videos().reduce((a, b) => (b.duration > a.duration ? b : a));
      const at = Math.floor(longest.currentTime * fps() + 0.001) + frames;
      show((at + 0.5) / fps());
    },
    /** @param {number} fraction */
    seek(fraction) {
      isWanted = false;
      halt();
      show(fraction * length());
    },
    /** @param {number} rate */
    setSpeed(rate) {
      speed = rate;
      for (const video of videos()) video.playbackRate = rate;
    },
    /** What was seen of the pair in front. */
    seen: () => ({ loops, speed, watchedMs: watchedMs + (runningSince ? performance.now() - runningSince : 0) }),
  };

  /** @param {number} seconds */
  function show(seconds) {
    const total = length();
    for (const video of videos()) video.currentTime = Math.min(Math.max(0, seconds), video.duration - 0.001);
    onFrame(total ? Math.min(1, Math.max(0, seconds / total)) : 0);
  }
}

/**
 * Drift is steered away by a slightly different rate, a jump only when far off.
 * @param {HTMLVideoElement} left @param {HTMLVideoElement} right @param {number} frame seconds @param {number} speed
 */
export function align(left, right, frame, speed) {
  if (left.paused || right.paused || left.ended || right.ended) return;
  const drift = left.currentTime - right.currentTime;
  const rate = speed * (Math.abs(drift) < frame / 4 ? 1 : 1 + Math.sign(drift) * 0.08);
  if (Math.abs(drift) > 3 * frame) right.currentTime = left.currentTime;
  else if (Math.abs(right.playbackRate - rate) > 0.001) right.playbackRate = rate;
}

/** Resolves when the frame after the next has begun, or soon in a hidden page, which paints none. @returns {Promise<void>} */
const painted = () => new Promise((resolve) => {
  requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
  setTimeout(resolve, 200);
});

/** Resolves when the first frame is there to be painted. @param {HTMLVideoElement} video @param {string} url */
function decode(video, url) {
  return new Promise((resolve, reject) => {
    const done = new AbortController();
    const finish = (/** @type {Error | null} */ error) => {
      done.abort();
      clearTimeout(timer);
      if (error) reject(error);
      else resolve(undefined);
    };
    const timer = setTimeout(() => finish(new Error("no first frame")), GIVE_UP_MS);
    const check = () => {
      if (video.readyState < 3) return;
      if (video.videoWidth > 0) finish(null);
      else finish(new Error("no picture in it"));
    };
    for (const name of ["loadeddata", "canplay", "canplaythrough"]) {
      video.addEventListener(name, check, { signal: done.signal });
    }
    video.addEventListener("error", () => finish(new Error(reason(video))), { signal: done.signal });
    video.src = url;
  });
}

/** @param {HTMLVideoElement} video */
const reason = (video) => `media error ${video.error?.code ?? "?"}: ${video.error?.message || "cannot be decoded"}`;
