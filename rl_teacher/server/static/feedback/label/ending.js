// @ts-check
/** The end of a lesson, on every open page: the agent at first and now, what it looks at, and what to do next. */

import { createThenNow } from "./moments.js";
import { translator } from "./view.js";

const LOOK_MS = 1500; // on the screen for so long: somebody has seen it
const LANGUAGE = document.documentElement.lang || undefined;
const [WHOLE, FEW] = [{ maximumFractionDigits: 0 }, { maximumSignificantDigits: 3 }].map((digits) => new Intl.NumberFormat(LANGUAGE, digits));

/** @param {string} id @returns {any} */
const part = (id) => document.getElementById(`ending-${id}`);

/**
 * @param {{api: ReturnType<typeof import("./api.js").createApi>, onShown: (isShown: boolean) => void}} options
 *   `onShown` makes room for it on the page, or takes the room back
 */
export function createEnding({ api, onShown }) {
  const root = /** @type {HTMLElement} */ (document.getElementById("ending"));
  const t = translator(JSON.parse(part("strings").textContent), () => false);
  const clips = createThenNow(part("clips"));
  const title = document.title;
  let isShown = false;

  /** @param {import("./lesson.js").Lesson} lesson */
  async function told(lesson) {
    const { ending } = lesson;
    if (!ending) return hide();
    part("learned").textContent = t("learned", { n: ending.labels });
    part("returns").textContent = returns(ending);
    part("relevances").textContent = lesson.relevances ? t("relevances", { what: lesson.relevances }) : "";
    if (part("relabel")) part("relabel").hidden = !ending.labels; // of nothing no reward was made
    part("next").hidden = !ending.commands.length;
    part("commands").replaceChildren(...ending.commands.map(command));
    if (part("link")) part("link").textContent = part("link").href; // whole, as the browser sees it
    const many = await clips.hold(lesson.then, lesson.now);
    part("clips").hidden = !many;
    show();
    clips.play();
  }

  /** @param {import("./lesson.js").Ending} ending */
  function returns({ before, after, is_true: isTrue }) {
    if (before === null || after === null) return "";
    const shown = (/** @type {number} */ value) => (Math.abs(value) >= 100 ? WHOLE : FEW).format(value).replace("-", "−");
    return t(isTrue ? "returns_true" : "returns_predicted", { before: shown(before), after: shown(after) });
  }

  /** @param {string} text */
  function command(text) {
    const line = document.createElement("code");
    line.className = "command";
    line.textContent = text;
    return line;
  }

  function show() {
    if (isShown) return;
    isShown = true;
    root.hidden = false;
    onShown(true);
    document.title = `✓ ${title}`;
    root.focus({ preventScroll: true });
    look();
  }

  function hide() {
    if (!isShown) return;
    isShown = false;
    root.hidden = true;
    clips.stop();
    onShown(false);
    document.title = title;
  }

  /** Tell the server once it has been on a screen: one that was started for this lesson stops then. */
  function look() {
    if (document.hidden) return document.addEventListener("visibilitychange", look, { once: true });
    setTimeout(() => {
      if (!isShown) return;
      if (document.hidden) look();
      else api.lessonSeen().catch(() => setTimeout(look, 5000));
    }, LOOK_MS);
  }

  part("share")?.addEventListener("click", async () => {
    const url = part("link").href;
    try {
      if (navigator.share && matchMedia("(hover: none)").matches) await navigator.share({ title, url });
      else {
        await navigator.clipboard.writeText(url);
        part("shared").textContent = t("copied");
      }
    } catch {
      part("shared").textContent = t("copy_it"); // no clipboard without https, or the person thought better of it
    }
  });

  return { told };
}
