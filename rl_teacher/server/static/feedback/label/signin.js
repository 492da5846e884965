// @ts-check
/** Signing in again without leaving the page: an overlay, the login form behind it, and a fresh CSRF token. */

import { element } from "./view.js";

const LOOK_MS = 4000; // somebody may sign in in another tab

/**
 * @param {{api: ReturnType<typeof import("./api.js").createApi>, door: string, user: string, onBack: () => void,
 *   t: (name: string) => string}} options
 */
export function createSignIn({ api, door, user, onBack, t }) {
  const dialog = /** @type {HTMLDialogElement} */ (element("signin"));
  const form = /** @type {HTMLFormElement} */ (element("signin-form"));
  let isAsking = false;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let looking;

  /** Signed in? Then the token is fresh too. @returns {Promise<boolean>} */
  async function look() {
    const me = await api.me().catch(() => null);
    if (!me) return false;
    if (String(me.id) !== user) location.reload(); // somebody else: their page, not this one
    clearInterval(looking);
    isAsking = false;
    if (dialog.open) dialog.close();
    onBack();
    return true;
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const page = await fetch(door, { credentials: "same-origin" }).then((answer) => answer.text()).catch(() => "");
    const parsed = new DOMParser().parseFromString(page, "text/html");
    const hidden = /** @type {HTMLInputElement | null} */ (parsed.querySelector("input[name=csrfmiddlewaretoken]"));
    const body = new URLSearchParams();
    for (const [name, value] of new FormData(form)) body.set(name, String(value));
    body.set("csrfmiddlewaretoken", hidden?.value ?? "");
    const told = await fetch(door, { method: "POST", body, credentials: "same-origin", redirect: "manual" }).catch(() => null);
    element("signin-error").textContent = (await look()) ? "" : t(told?.status === 429 ? "signin_slow_down" : "signin_failed");
  });
  dialog.addEventListener("cancel", (event) => event.preventDefault());

  return {
    /** Called on a 401 or a stale CSRF token; asks the labeler only when a fresh token does not help. */
    async ask() {
      if (isAsking) return;
      isAsking = true;
      if (await look()) return;
      if (!dialog.open) dialog.showModal();
      looking = setInterval(() => void look(), LOOK_MS);
    },
    isAsking: () => isAsking,
  };
}
