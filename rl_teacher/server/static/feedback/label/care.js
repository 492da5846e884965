// @ts-check
/** Care for whoever answers: a gentle word after several answers quicker than the clips, and after half an hour. */

const QUICK_IN_A_ROW = 5;
const REST = 25; // answers after a word in which it is not said again
const BREAK_MS = 27 * 60_000;

/** @param {{say: (name: "quick" | "break") => void, now?: () => number}} options */
export function createCare({ say, now = () => Date.now() }) {
  const startedAt = now();
  let hadBreak = false;
  let quick = 0;
  let rest = 0;
  return {
    /** A pair was answered for the first time. @param {number} loops how often both clips had run to their end */
    answered(loops) {
      quick = loops < 1 ? quick + 1 : 0;
      rest = Math.max(0, rest - 1);
      if (!hadBreak && now() - startedAt > BREAK_MS) {
        hadBreak = true;
        return say("break");
      }
      if (quick < QUICK_IN_A_ROW || rest) return;
      quick = 0;
      rest = REST;
      say("quick");
    },
  };
}
