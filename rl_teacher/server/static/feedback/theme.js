// @ts-check
/** Light, dark or as the system says; runs before the first paint, so that nothing flashes. */
(() => {
  const stored = "rl-teacher.theme";
  const root = document.documentElement;
  const apply = (/** @type {string} */ theme) => {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  apply(localStorage.getItem(stored) ?? "");
  addEventListener("DOMContentLoaded", () => {
    const select = /** @type {HTMLSelectElement | null} */ (document.getElementById("theme"));
    if (!select) return;
    select.value = localStorage.getItem(stored) ?? "";
    select.addEventListener("change", () => {
      localStorage.setItem(stored, select.value);
      apply(select.value);
      dispatchEvent(new Event("rl-theme"));
    });
  });
})();
