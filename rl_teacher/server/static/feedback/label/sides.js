// @ts-check
/** What the sides are called: left and right, or top and bottom where the clips are one above the other (label.css). */

/**
 * Give every element its name for the layout of the moment: `data-label-stacked` while stacked.
 * @returns {() => boolean} whether the clips are one above the other now
 */
export function nameSides() {
  const stacked = matchMedia("(orientation: portrait) and (max-width: 900px)");
  /** @type {[HTMLElement, string][]} */
  const named = [...document.querySelectorAll("[data-label-stacked]")].map((one) => [
    /** @type {HTMLElement} */ (one), one.getAttribute("aria-label") ?? "",
  ]);
  const tell = () => {
    for (const [one, label] of named) one.setAttribute("aria-label", (stacked.matches && one.dataset.labelStacked) || label);
  };
  stacked.addEventListener("change", tell);
  tell();
  return () => stacked.matches;
}
