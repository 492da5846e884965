// @ts-check
/** The ranking page: a clip is carried to another place, by pointer, by keys or by buttons, and newer answers show. */

const POLL_MS = 8000;
const DRAG_PX = 6;
const MOST_SCROLL_PX = 14;

const strings = /** @type {Record<string, string>} */ (JSON.parse(document.getElementById("strings")?.textContent ?? "{}"));
const form = /** @type {HTMLFormElement} */ (document.getElementById("move"));
const bar = /** @type {HTMLElement} */ (document.getElementById("carry"));
const where = /** @type {HTMLElement} */ (document.getElementById("carry-where"));
const said = /** @type {HTMLElement} */ (document.getElementById("ranking-said"));
const newer = /** @type {HTMLElement} */ (document.getElementById("newer"));
const drop = Object.assign(document.createElement("li"), { className: "drop", ariaHidden: "true" });

const root = () => /** @type {HTMLElement} */ (document.getElementById("ranking"));
const clips = () => /** @type {HTMLElement[]} */ ([...document.querySelectorAll("#places [data-clip]")]);

/** What is carried: the clip, the other clips, and before which of them it would be put down.
 *  @type {{ clip: HTMLElement, others: HTMLElement[], at: number, from: number } | null} */
let carried = null;
/** @type {{ clip: HTMLElement, x: number, y: number, isTouch: boolean } | null} */
let pressed = null;
let isDragging = false;
let isSaving = false;
/** @type {{ x: number, y: number } | null} */
let pointer = null;

/** @param {string} text @param {Record<string, string | undefined>} values */
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

/** @param {HTMLElement} clip */
function pickUp(clip) {
  if (isSaving) return;
  putBack();
  const all = clips();
  const others = all.filter((one) => one !== clip);
  carried = { clip, others, at: all.indexOf(clip), from: all.indexOf(clip) };
  clip.classList.add("carried");
  clip.querySelector("[data-move]")?.setAttribute("aria-pressed", "true");
  bar.hidden = false;
  show();
}

function show() {
  if (!carried) return;
  const { others, at } = carried;
  const [below, above] = [others[at - 1], others[at]];
  if (at === carried.from) drop.remove();
  else if (above) above.before(drop);
  else below?.after(drop);
  where.textContent = !below ? strings.first : !above ? strings.last
    : fill(strings.between, { below: below.dataset.number, above: above.dataset.number });
  said.textContent = where.textContent;
}

/** @param {number} at */
function carryTo(at) {
  if (!carried) return;
  carried.at = Math.max(0, Math.min(carried.others.length, at));
  show();
  if (!isDragging) (drop.isConnected ? drop : carried.clip).scrollIntoView({ block: "nearest" });
}

function putBack() {
  if (!carried) return;
  carried.clip.classList.remove("carried");
  carried.clip.querySelector("[data-move]")?.removeAttribute("aria-pressed");
  drop.remove();
  document.body.classList.remove("is-carrying");
  bar.hidden = true;
  carried = null;
  isDragging = false;
}

function cancel() {
  const clip = carried?.clip;
  putBack();
  said.textContent = strings.cancelled;
  /** @type {HTMLElement | null | undefined} */ (clip?.querySelector("[data-move]"))?.focus();
}

async function putDown() {
  if (!carried || isSaving) return;
  const { clip, others, at, from } = carried;
  if (at === from) return cancel();
  const values = { clip: clip.dataset.clip, below: others[at - 1]?.dataset.clip, above: others[at]?.dataset.clip, move: moveId() };
  for (const [name, value] of Object.entries(values)) {
    /** @type {HTMLInputElement} */ (form.elements.namedItem(name)).value = value ?? "";
  }
  putBack();
  isSaving = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { "HX-Request": "true" } });
    if (!answer.ok) throw new Error(String(answer.status));
    replace(await answer.text());
    const moved = clips().find((one) => one.dataset.clip === clip.dataset.clip);
    moved?.classList.add("moved");
    said.textContent = fill(strings.saved, { number: moved?.dataset.number });
    tell(said.textContent, false);
    /** @type {HTMLElement | null | undefined} */ (moved?.querySelector("[data-move]"))?.focus();
  } catch {
    said.textContent = strings.failed;
    tell(strings.failed, true);
  } finally {
    isSaving = false;
  }
}

/** An id that is made without `crypto.randomUUID`, which phones lack where the page came without HTTPS. */
function moveId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} text @param {boolean} isError */
function tell(text, isError) {
  document.getElementById("ranking-message")?.remove();
  const message = Object.assign(document.createElement("p"), { id: "ranking-message", textContent: text });
  message.className = isError ? "message error" : "message";
  root().before(message);
}

/** @param {string} html */
function replace(html) {
  const made = new DOMParser().parseFromString(html, "text/html").getElementById("ranking");
  if (!made) return;
  root().replaceWith(made);
  newer.hidden = true;
  document.dispatchEvent(new Event("htmx:afterSettle")); // thumbnails look for new ones
}

// ---- by keys and buttons ----

document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  const handle = target.closest?.("[data-move]");
  if (handle) {
    const clip = /** @type {HTMLElement} */ (handle.closest("[data-clip]"));
    if (carried?.clip === clip) void putDown();
    else pickUp(clip);
  }
  const what = /** @type {HTMLElement | null} */ (target.closest?.("[data-carry]"))?.dataset.carry;
  if (what === "drop") void putDown();
  else if (what === "cancel") cancel();
  else if (what && carried) carryTo(carried.at + Number(what));
});

/** How many clips stand side by side. */
function columns() {
  const [first, ...rest] = clips();
  const top = first?.offsetTop;
  const next = rest.findIndex((one) => one.offsetTop !== top);
  return next < 0 ? clips().length : next + 1;
}

const STEPS = /** @type {Record<string, () => number>} */ ({
  ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: () => -columns(), ArrowDown: () => columns(),
  Home: () => -Infinity, End: () => Infinity,
});

document.addEventListener("keydown", (event) => {
  if (!carried) return;
  if (event.key === "Escape") cancel();
  else if (STEPS[event.key]) carryTo(carried.at + STEPS[event.key]());
  else return;
  event.preventDefault();
});

// ---- by pointer ----

document.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || isSaving) return;
  const target = /** @type {Element} */ (event.target);
  const clip = /** @type {HTMLElement | null} */ (target.closest?.("#places [data-clip]"));
  const isTouch = event.pointerType !== "mouse";
  const handle = target.closest?.("[data-move]");
  if (!clip?.querySelector("[data-move]") || (isTouch && !handle)) return;
  pressed = { clip, x: event.clientX, y: event.clientY, isTouch };
});

document.addEventListener("pointermove", (event) => {
  if (!pressed) return;
  if (!isDragging) {
    if (Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) < DRAG_PX) return;
    pickUp(pressed.clip);
    isDragging = true;
    document.body.classList.add("is-carrying");
    requestAnimationFrame(scroll);
  }
  event.preventDefault();
  pointer = { x: event.clientX, y: event.clientY };
  aim();
}, { passive: false });

/** Put the gap where the pointer is: before or after the clip that is nearest. */
function aim() {
  if (!carried || !pointer) return;
  let best = { distance: Infinity, at: carried.at };
  carried.others.forEach((one, number) => {
    const box = one.getBoundingClientRect();
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    const distance = Math.hypot(x - /** @type {{ x: number }} */ (pointer).x, y - /** @type {{ y: number }} */ (pointer).y);
    if (distance < best.distance) best = { distance, at: number + (/** @type {{ x: number }} */ (pointer).x > x ? 1 : 0) };
  });
  const gap = drop.isConnected ? drop.getBoundingClientRect() : null;
  const isInside = gap && pointer.x > gap.left && pointer.x < gap.right && pointer.y > gap.top && pointer.y < gap.bottom;
  if (!isInside && best.at !== carried.at) carryTo(best.at);
}

/** Near an edge of the window the page goes along. */
function scroll() {
  if (!isDragging || !pointer) return;
  const edge = 80;
  const over = Math.max(0, pointer.y - (innerHeight - edge - bar.offsetHeight)) - Math.max(0, edge - pointer.y);
  if (over) {
    scrollBy(0, Math.sign(over) * Math.min(MOST_SCROLL_PX, Math.abs(over) / 4));
    aim();
  }
  requestAnimationFrame(scroll);
}

document.addEventListener("pointerup", () => {
  if (isDragging) {
    const swallow = (/** @type {Event} */ event) => event.stopPropagation(); // the click that may follow is none
    addEventListener("click", swallow, { capture: true });
    setTimeout(() => removeEventListener("click", swallow, { capture: true }), 0);
    void putDown();
  }
  pressed = null;
});
document.addEventListener("pointercancel", () => {
  if (isDragging) cancel();
  pressed = null;
});
document.addEventListener("dragstart", (event) => {
  if (pressed) event.preventDefault();
});

// ---- newer answers ----

/** @type {string} */
let waiting = "";
async function look() {
  if (document.hidden || isSaving) return;
  const address = `${location.pathname}?list=${root().dataset.list}`;
  const answer = await fetch(address, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const html = await answer.text();
  const head = new DOMParser().parseFromString(html, "text/html").getElementById("ranking")?.dataset.head;
  if (!head || head === root().dataset.head) return;
  const isBusy = carried || root().contains(document.activeElement) || root().matches(":hover");
  if (!isBusy) return replace(html);
  waiting = html;
  newer.hidden = false;
}
document.getElementById("show-newer")?.addEventListener("click", () => {
  cancel();
  replace(waiting);
});
setInterval(() => void look(), POLL_MS);
