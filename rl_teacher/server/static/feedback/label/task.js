// @ts-check
/** The task, in one sentence, above the clips: the owner can change it while people label. */

/** @param {string | undefined} task undefined: nothing was said about it */
export function showTask(task) {
  if (task === undefined) return;
  for (const place of document.querySelectorAll("[data-task]")) {
    const shown = task || /** @type {HTMLElement} */ (place).dataset.without || "";
    if (place.textContent !== shown) place.textContent = shown;
  }
}
