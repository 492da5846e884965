// @ts-check
/** How long somebody looked: both first frames painted -> key down, without the time the page was hidden. */

/** @param {{now?: () => number}} [options] the page's clock, milliseconds */
export function createAttention({ now = () => performance.now() } = {}) {
  let paintedAt = 0;
  let hiddenMs = 0;
  /** @type {number | null} */
  let hiddenSince = null;
  return {
    painted() {
      paintedAt = now();
      hiddenMs = 0;
      if (hiddenSince !== null) hiddenSince = paintedAt;
    },
    /** @param {boolean} isHidden */
    hidden(isHidden) {
      if (isHidden) hiddenSince ??= now();
      else if (hiddenSince !== null) {
        hiddenMs += now() - hiddenSince;
        hiddenSince = null;
      }
    },
    /** Whole milliseconds until `at`, as the server stores them. @param {number} at */
    measure(at) {
      const shown = Math.max(0, Math.round(at - paintedAt));
      const hidden = Math.round(hiddenMs + (hiddenSince === null ? 0 : Math.max(0, at - hiddenSince)));
      return { rt_ms: Math.max(0, shown - hidden), shown_ms: shown, hidden_ms: hidden };
    },
  };
}
