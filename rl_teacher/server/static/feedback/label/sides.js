// @ts-check
/** What the sides are called: left and right, or top and bottom where the clips are one above the other (label.css). */

const stacked = matchMedia("(orientation: portrait) and (max-width: 900px)");

/** Whether the clips are one above the other now. */
export const isStacked = () => stacked.matches;

/** Give every element its name for the layout of the moment: `data-label-stacked` while stacked. */
export function nameSides() {
  /** @type {[HTMLElement, string][]} */
  const named = [...document.querySelectorAll("[data-label-stacked]")].map((one) => [
    /** @type {HTMLElement} */ (one), one.getAttribute("aria-label") ?? "",
  ]);
  const tell = () => {
    for (const [one, label] of named) {
      one.setAttribute("aria-label", isStacked() ? one.dataset.labelStacked ?? label : label);
    }
  };
  stacked.addEventListener("change", tell);
  tell();
}
