// @ts-check
/** Which key does what: keyboard event -> action, with the labeler's own bindings. */

/** Letters and arrows go by `event.code` (the place on the keyboard), `?` by `event.key` (it needs Shift). */
export const DEFAULTS = Object.freeze({
  left: ["ArrowLeft", "KeyA"], right: ["ArrowRight", "KeyD"], tie: ["ArrowUp", "KeyW"], cant_tell: ["ArrowDown", "KeyS"],
  undo: ["KeyU", "Backspace"], toggle: ["Space"], restart: ["KeyR"], back: ["Comma"], forward: ["Period"],
  speed1: ["Digit1"], speed2: ["Digit2"], speed3: ["Digit3"], speed4: ["Digit4"], flag: ["KeyF"], escape: ["Escape"],
});

const STORED = "rl-teacher.keys";
const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];

/** @typedef {Record<string, readonly string[]>} Bindings */

/** Defaults with what the labeler changed on `/me`. @param {Pick<Storage, "getItem">} storage @returns {Bindings} */
export function readBindings(storage) {
  try {
    const own = JSON.parse(storage.getItem(STORED) ?? "{}");
    const known = Object.entries(own).filter(([action, codes]) => action in DEFAULTS && Array.isArray(codes));
    return { ...DEFAULTS, ...Object.fromEntries(known) };
  } catch {
    return DEFAULTS;
  }
}

/** @param {Pick<Storage, "setItem">} storage @param {Record<string, string[]>} own */
export function writeBindings(storage, own) {
  storage.setItem(STORED, JSON.stringify(own));
}

/**
 * The action a key press asks for, or null when it is not ours.
 * @param {Pick<KeyboardEvent, "code" | "key" | "repeat" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">} event
 * @param {Bindings} bindings
 * @param {{tag?: string, type?: string}} [focus] the element that has the focus
 * @returns {string | null}
 */
export function actionOf(event, bindings, focus = {}) {
  if (event.repeat || event.altKey) return null;
  const tag = (focus.tag ?? "").toUpperCase();
  const isRange = tag === "INPUT" && focus.type === "range";
  if (tag === "TEXTAREA" || tag === "SELECT" || (tag === "INPUT" && !isRange)) return null;
  if (event.ctrlKey || event.metaKey) return event.code === "KeyZ" && !event.shiftKey ? "undo" : null;
  if (event.key === "?") return "help";
  if (isRange && ARROWS.includes(event.code)) return null;
  if (["BUTTON", "A", "SUMMARY"].includes(tag) && ["Space", "Enter"].includes(event.code)) return null;
  return Object.keys(bindings).find((action) => bindings[action].includes(event.code)) ?? null;
}

/** What to print on a key cap. @param {string} code */
export function keyName(code) {
  const named = /** @type {Record<string, string>} */ ({
    ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Backspace: "⌫", Comma: ",", Period: ".", Escape: "Esc",
  });
  return named[code] ?? code.replace(/^(Key|Digit)/, "");
}
