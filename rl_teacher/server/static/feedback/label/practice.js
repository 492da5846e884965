// @ts-check
/** Three pairs to try the answers on, before the first real one. They are files of ours; nothing about them is stored. */

/** @typedef {"left" | "right" | "tie" | "cant_tell"} Side */
/** @type {{left: string, right: string, side: Side}[]} */
const PAIRS = [
  { left: "lies-1", right: "hops", side: "right" },
  { left: "lies-2", right: "lies-1", side: "tie" },
  { left: "hops", right: "away", side: "cant_tell" },
];
const FPS = 20;
const NEXT_MS = 900;
const EXPLAIN_MS = 6000;
const SIDES = ["left", "right", "tie", "cant_tell"];
const DEAF = ["undo", "flag"]; // of a pair that is none

/**
 * @param {{base: string, rendition: string, player: ReturnType<typeof import("./player.js").createPlayer>,
 *   view: ReturnType<typeof import("./view.js").createView>, t: (name: string) => string}} options
 */
export function createPractice({ base, rendition, player, view, t }) {
  let number = -1; // not practicing
  let isShown = false;
  let finish = () => {};
  const url = (/** @type {string} */ name) => `${base}${name}.${rendition}`;
  const id = () => `practice-${number}`;

  /** @param {number} next */
  function show(next) {
    number = next;
    isShown = false;
    const { left, right } = PAIRS[number];
    void player.stage({ id: id(), left: url(left), right: url(right), fps: FPS });
  }

  function end() {
    number = -1;
    view.practice("");
    finish();
  }

  /** @param {string} side */
  function answer(side) {
    if (!isShown) return;
    if (side !== PAIRS[number].side) return view.hint(t(`practice_no_${number + 1}`), EXPLAIN_MS);
    isShown = false; // answered
    view.flash(side);
    view.hint(t(number + 1 < PAIRS.length ? "practice_yes" : "practice_done"), EXPLAIN_MS / 2);
    const mine = number;
    setTimeout(() => number === mine && (mine + 1 < PAIRS.length ? show(mine + 1) : end()), NEXT_MS);
  }

  return {
    isOn: () => number >= 0,
    /** @param {() => void} then what comes after the practice, also when it is skipped */
    start(then) {
      finish = then;
      show(0);
    },
    /** @param {string} staged */
    staged(staged) {
      if (staged !== id()) return;
      isShown = true;
      view.practice(t(`practice_${number + 1}`));
      player.swap();
    },
    end,
    /** Whether the action was for the practice. @param {string} action */
    act(action) {
      if (SIDES.includes(action)) answer(action);
      else if (action === "skip" || action === "escape") end();
      else return DEAF.includes(action);
      return true;
    },
  };
}
