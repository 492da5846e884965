// @ts-check
/** The labeler's own keys, on /me: one key per action, kept in this browser. */

import { DEFAULTS, keyName, readBindings, writeBindings } from "../label/keys.js";

const said = /** @type {HTMLElement} */ (document.getElementById("bindings-said"));
/** @type {HTMLButtonElement[]} */
const buttons = [...document.querySelectorAll("button[data-bind]")].map((one) => /** @type {HTMLButtonElement} */ (one));
/** @type {HTMLButtonElement | null} */
let listening = null;

const actionOfButton = (/** @type {HTMLButtonElement} */ button) => /** @type {string} */ (button.dataset.bind);

function show() {
  const bindings = readBindings(localStorage);
  for (const button of buttons) {
    const cap = document.createElement("kbd");
    cap.textContent = button === listening ? "…" : bindings[actionOfButton(button)].map(keyName).join("  ");
    const name = button.closest("div")?.querySelector("dt")?.textContent ?? "";
    button.setAttribute("aria-label", `${name}: ${cap.textContent}`);
    button.replaceChildren(cap);
  }
}

for (const button of buttons) {
  button.addEventListener("click", () => {
    listening = button;
    said.textContent = said.dataset.press ?? "";
    show();
  });
}

addEventListener("keydown", (event) => {
  if (!listening || event.key === "Tab") return;
  event.preventDefault();
  const action = actionOfButton(listening);
  const bindings = readBindings(localStorage);
  const isTaken = Object.entries(bindings).some(([other, codes]) => other !== action && codes.includes(event.code));
  said.textContent = "";
  if (event.code !== "Escape" && isTaken) said.textContent = said.dataset.taken ?? "";
  else if (event.code !== "Escape") {
    const changed = Object.entries(bindings).filter(([name, codes]) => codes !== DEFAULTS[/** @type {keyof typeof DEFAULTS} */ (name)]);
    writeBindings(localStorage, { ...Object.fromEntries(changed.map(([name, codes]) => [name, [...codes]])), [action]: [event.code] });
    said.textContent = said.dataset.saved ?? "";
  }
  listening = null;
  show();
}, { capture: true });

document.getElementById("bindings-reset")?.addEventListener("click", () => {
  writeBindings(localStorage, {});
  said.textContent = said.dataset.saved ?? "";
  show();
});

show();
