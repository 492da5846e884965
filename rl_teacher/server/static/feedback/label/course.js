// @ts-check
/** The lesson on the labeling page: its milestones, and in the end its ending in the place of the clips. */

import { createEnding } from "./ending.js";
import { watchLesson } from "./lesson.js";
import { createMilestones } from "./milestones.js";
import { element } from "./view.js";

/**
 * @param {{api: ReturnType<typeof import("./api.js").createApi>, slug: string, mine: number, look: () => void, onProgress: (progress: any) => void,
 *   t: (name: string, facts?: Record<string, any>) => string, onFailed: (error: any) => void}} options
 */
export function createCourse({ api, slug, mine, look, t, onProgress, onFailed }) {
  const { told, answered, phase } = createMilestones({ api, slug, mine, t, look });
  const ending = createEnding({ api, onShown(isShown) {
    element("labeler").toggleAttribute("data-ended", isShown);
    for (const dialog of document.querySelectorAll("dialog[open]:not(#signin)")) /** @type {HTMLDialogElement} */ (dialog).close();
    look();
  } });
  return {
    answered,
    phase,
    start: () => watchLesson({ api, onFailed, onTold(lesson) {
      onProgress(lesson.progress);
      told(lesson);
      void ending.told(lesson);
    } }),
  };
}
