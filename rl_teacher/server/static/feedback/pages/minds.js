// @ts-check
/** Under each clip its predicted reward, frame by frame: a cursor goes along with the video. */

/** @param {Element} video the figure of the same side, in the same box */
const mindOf = (video) => {
  const side = /** @type {HTMLElement} */ (video).dataset.side;
  return /** @type {HTMLElement | null} */ (video.closest("[data-minds]")?.querySelector(`[data-mind="${side}"]`) ?? null);
};

/** @param {HTMLVideoElement} video @param {HTMLElement} mind */
function place(video, mind) {
  const frame = video.currentTime * Number(mind.dataset.fps);
  const x = String(100 * Math.min(1, frame / Math.max(1, Number(mind.dataset.frames) - 1)));
  const cursor = mind.querySelector(".cursor");
  cursor?.setAttribute("x1", x);
  cursor?.setAttribute("x2", x);
}

/** @param {HTMLVideoElement} video @param {HTMLElement} mind */
function follow(video, mind) {
  place(video, mind);
  if (!video.paused) requestAnimationFrame(() => follow(video, mind));
}

for (const video of /** @type {NodeListOf<HTMLVideoElement>} */ (document.querySelectorAll("[data-minds] video[data-side]"))) {
  const mind = mindOf(video);
  if (!mind) continue;
  video.addEventListener("play", () => follow(video, mind));
  for (const event of ["seeked", "pause", "loadeddata"]) video.addEventListener(event, () => place(video, mind));
}
