// @ts-check
/** Keys, buttons and fingers on the labeling page, each turned into an action. */

import { actionOf } from "./keys.js";
import { createGestures } from "./touch.js";
import { element } from "./view.js";

/** Whether something lies over the clips: a dialog, or the ending of the lesson. */
export const isDialogOpen = () => document.querySelector("dialog[open], [data-ended]") !== null;

/**
 * @param {{bindings: import("./keys.js").Bindings, act: (action: string, at: number) => void,
 *   flag: (reason: string) => void, settle: (again: boolean) => unknown, seek: (fraction: number) => void,
 *   resume: () => void}} options
 */
export function listenToInput({ bindings, act, flag, settle, seek, resume }) {
  addEventListener("keydown", (event) => {
    if (isDialogOpen()) return;
    const focused = /** @type {HTMLInputElement | null} */ (document.activeElement);
    const focus = { tag: focused?.tagName, type: focused?.type };
    const { code, key, ctrlKey, metaKey, altKey, shiftKey } = event;
    const action = actionOf({ code, key, ctrlKey, metaKey, altKey, shiftKey, repeat: false }, bindings, focus);
    if (!action) return;
    event.preventDefault(); // a held key must not scroll either
    if (!event.repeat) act(action, event.timeStamp);
  });
  document.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    const button = /** @type {HTMLElement | null} */ (target.closest("[data-action]"));
    if (!button) return;
    if (event.detail) button.blur(); // by pointer: or else Space would press it again
    act(/** @type {string} */ (button.dataset.action), event.timeStamp);
  });
  const scrubber = element("scrubber");
  scrubber.addEventListener("input", () => seek(Number(scrubber.value)));
  scrubber.addEventListener("pointerup", () => scrubber.blur());
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.addEventListener("close", resume);
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.id !== "signin" && dialog.close());
  }
  element("flag-form").addEventListener("submit", () => flag(String(new FormData(element("flag-form")).get("reason") ?? "")));
  element("refused-again").addEventListener("click", () => settle(true));
  element("refused-drop").addEventListener("click", () => settle(false));
}

/**
 * @param {{act: (action: string, at: number) => void, wake: () => boolean}} options `wake` starts a paused pair and says
 *   whether it was one: where autoplay is refused, or motion unwanted, the first tap plays
 */
export function listenToTouch({ act, wake }) {
  const gestures = createGestures();
  const surface = element("pair");
  const point = (/** @type {PointerEvent} */ event) => ({ id: event.pointerId, x: event.clientX, y: event.clientY, t: event.timeStamp });
  surface.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    if (event.pointerType !== "mouse") gestures.down(point(event));
  });
  surface.addEventListener("pointerup", (/** @type {PointerEvent} */ event) => {
    if (event.pointerType === "mouse") return;
    const target = /** @type {Element} */ (event.target);
    const side = /** @type {HTMLElement | null} */ (target.closest("[data-side]"))?.dataset.side ?? null;
    const action = gestures.up(point(event), /** @type {"left" | "right" | null} */ (side));
    if (!action || (action === side && wake())) return;
    act(action, event.timeStamp);
  });
  surface.addEventListener("pointercancel", () => gestures.cancel());
}

/** @param {{seen: (isHidden: boolean) => void, online: () => void, leave: () => void}} options */
export function listenToLife({ seen, online, leave }) {
  document.addEventListener("visibilitychange", () => seen(document.hidden));
  addEventListener("online", online);
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}
