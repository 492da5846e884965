// @ts-check
/** Thumbnails that play: under the mouse, with the keyboard focus, or, on touch screens, while they are in view. */

const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
const isTouch = matchMedia("(hover: none)").matches;

/** @param {Element | null} box @param {boolean} isOn */
function play(box, isOn) {
  for (const video of box?.querySelectorAll("video") ?? []) {
    if (isOn) void video.play().catch(() => {});
    else video.pause();
  }
}

/** @param {Event} event */
const boxOf = (event) => /** @type {Element} */ (event.target).closest?.("[data-thumbnail]") ?? null;

document.addEventListener("pointerover", (event) => !isTouch && play(boxOf(event), true));
document.addEventListener("pointerout", (event) => {
  const box = boxOf(event);
  if (box && !box.contains(/** @type {Node | null} */ (event.relatedTarget))) play(box, false);
});
document.addEventListener("focusin", (event) => play(boxOf(event), true));
document.addEventListener("focusout", (event) => play(boxOf(event), false));

// a picture as soon as a thumbnail comes near; a page of hundreds must not open hundreds of players
const near = new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => {
  if (isIntersecting) /** @type {HTMLVideoElement} */ (target).preload = "metadata";
}), { rootMargin: "400px" });
const lookOut = () => document.querySelectorAll('video[preload="none"]').forEach((video) => near.observe(video));
lookOut();
document.addEventListener("htmx:afterSettle", lookOut);

if (isTouch && !still) {
  const seen = new IntersectionObserver((entries) => entries.forEach((entry) => play(entry.target, entry.isIntersecting)), { threshold: 0.6 });
  const watch = () => document.querySelectorAll("[data-thumbnail]").forEach((box) => seen.observe(box));
  watch();
  document.addEventListener("htmx:afterSettle", watch);
}

// one comparison: both at once, from the start
document.getElementById("both")?.addEventListener("click", () => {
  const videos = [...document.querySelectorAll("[data-pair] video")];
  for (const video of /** @type {HTMLVideoElement[]} */ (videos)) {
    video.currentTime = 0;
    void video.play().catch(() => {});
  }
});

// times in seconds, as people read them
for (const one of document.querySelectorAll("[data-ms]")) {
  one.textContent = (Number(/** @type {HTMLElement} */ (one).dataset.ms) / 1000).toFixed(1);
}
