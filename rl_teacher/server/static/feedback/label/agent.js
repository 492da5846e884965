// @ts-check
/** How the agent is doing, for those who teach it: its return as a small line, and, when there are no clips, its video. */

import { element } from "./view.js";

const LOOK_MS = 60_000;
const [WIDTH, HEIGHT, MARGIN] = [72, 20, 2];

/** @param {{api: ReturnType<typeof import("./api.js").createApi>}} options */
export function createAgent({ api }) {
  const video = /** @type {HTMLVideoElement} */ (element("agent"));
  let isEmpty = false;
  let url = "";

  function film() {
    video.hidden = !(isEmpty && url);
    element("breath").hidden = !video.hidden;
    if (video.hidden) return video.pause();
    const [name] = url.split("?");
    if (!video.src.includes(name)) video.src = url; // clips come first: fetched only while there are none
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) video.controls = true;
    else void video.play().catch(() => {});
  }

  /** @param {number[]} curve heights from 0 to 1, without numbers: a labeler judges clips, not the agent */
  function draw(curve) {
    element("returns").hidden = curve.length < 2;
    const place = (/** @type {number} */ y, /** @type {number} */ index) =>
      `${(index * WIDTH) / (curve.length - 1)},${HEIGHT - MARGIN - y * (HEIGHT - 2 * MARGIN)}`;
    element("returns-line").setAttribute("points", curve.map(place).join(" "));
  }

  async function look() {
    if (document.hidden) return;
    const told = await api.agent().catch(() => null);
    if (!told) return;
    url = told.video ?? "";
    draw(told.curve);
    film();
  }

  return {
    start() {
      setInterval(() => void look(), LOOK_MS);
      void look();
    },
    /** @param {string} phase */
    phase(phase) {
      const before = isEmpty;
      isEmpty = phase === "empty";
      if (isEmpty !== before) film();
      if (isEmpty && !before) void look();
    },
  };
}
