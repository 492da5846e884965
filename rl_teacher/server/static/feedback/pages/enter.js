// @ts-check
/** The one-time link /enter#<token>: the fragment reaches no log; this page POSTs it and goes where the server says. */

const form = /** @type {HTMLFormElement} */ (document.getElementById("enter-form"));
const token = location.hash.slice(1);
const here = location.pathname + location.search;

/** @param {string} [detail] */
function failed(detail) {
  const text = document.getElementById("enter-text");
  const failure = document.getElementById("enter-failed");
  const error = document.getElementById("enter-error");
  if (text) text.hidden = true;
  if (failure) failure.hidden = false;
  if (error && detail) error.textContent = detail;
}

async function enter() {
  history.replaceState(null, "", here); // a token is for one use; keep it out of the history
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form)) body.set(name, String(value));
  body.set("token", token);
  const answer = await fetch(here, { method: "POST", body, credentials: "same-origin", headers: { Accept: "application/json" } });
  const told = await answer.json().catch(() => ({}));
  if (answer.ok) location.replace(String(told.next).startsWith("/") ? told.next : ".");
  else failed(told.detail);
}

if (token) enter().catch(() => failed());
else failed();
