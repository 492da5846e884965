// @ts-check
/** Under each clip its predicted reward, frame by frame: a cursor goes along with the video. */

/** @param {Element} video the figure of the same side, in the same box */
const predictionOf = (video) => {
  const side = /** @type {HTMLElement} */ (video).dataset.side;
  return /** @type {HTMLElement | null} */ (video.closest("[data-predictions]")?.querySelector(`[data-prediction="${side}"]`) ?? null);
};

/** @param {HTMLVideoElement} video @param {HTMLElement} prediction */
function place(video, prediction) {
  const frame = video.currentTime * Number(prediction.dataset.fps);
  const x = String(100 * Math.min(1, frame / Math.max(1, Number(prediction.dataset.frames) - 1)));
  const cursor = prediction.querySelector(".cursor");
  cursor?.setAttribute("x1", x);
  cursor?.setAttribute("x2", x);
}

/** @param {HTMLVideoElement} video @param {HTMLElement} prediction */
function follow(video, prediction) {
  place(video, prediction);
  if (!video.paused) requestAnimationFrame(() => follow(video, prediction));
}

for (const video of /** @type {NodeListOf<HTMLVideoElement>} */ (document.querySelectorAll("[data-predictions] video[data-side]"))) {
  const prediction = predictionOf(video);
  if (!prediction) continue;
  video.addEventListener("play", () => follow(video, prediction));
  for (const event of ["seeked", "pause", "loadeddata"]) video.addEventListener(event, () => place(video, prediction));
}
