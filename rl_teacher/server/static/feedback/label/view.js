// @ts-check
/** What the labeling page shows: the state of the queue, written into the elements that label.html made. */

import { keyName } from "./keys.js";
import { frontPair, reviewed } from "./queue.js";
import { createWaiting } from "./waiting.js";

/** @typedef {import("./queue.js").State} State @typedef {import("./outbox.js").Entry} Entry */
/** @typedef {{unsent: Entry[], refused: Entry[], isRunning: boolean, isTrouble: boolean, inMemory: boolean}} Post */

const FLASH_MS = 180; // at least 120
const HINT_MS = 2200;
const SKELETON_MS = 150; // a shorter gap keeps the old pair, so that nothing flickers
export const RED_AFTER_MS = 10_000;

/** The element of that id; the template and this file must agree. @param {string} id @returns {any} */
export function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`label.html has no element '#${id}'`);
  return found;
}

/**
 * Fills {name} in a translated text; with a count `n` it takes name_one or name_other, and while the clips are one above
 * the other name_stacked where there is one.
 * @param {Record<string, string>} strings @param {() => boolean} isStacked @returns {(name: string, facts?: Record<string, any>) => string}
 */
export function translator(strings, isStacked) {
  return (name, facts = {}) => {
    const plural = typeof facts.n === "number" ? `${name}_${facts.n === 1 ? "one" : "other"}` : name;
    const text = (isStacked() ? strings[`${name}_stacked`] : undefined) ?? strings[plural] ?? strings[name] ?? name;
    return text.replace(/\{(\w+)\}/g, (whole, key) => String(facts[key] ?? whole));
  };
}

/**
 * When the episode of a side ends, for those who cannot see it; empty if it does not.
 * @param {(name: string, facts?: Record<string, any>) => string} t
 * @param {Pick<import("./queue.js").Pair, "fps" | "end_frames"> | undefined} pair @param {"left" | "right"} side
 */
export function endText(t, pair, side) {
  const frames = pair?.end_frames?.[side];
  return pair && frames ? t("ends", { seconds: (frames / pair.fps).toFixed(1) }) : "";
}

/** @param {(name: string, facts?: Record<string, any>) => string} t */
export function createView(t) {
  const root = element("labeler");
  const pair = element("pair");
  const title = document.title;
  /** @type {Record<string, ReturnType<typeof setTimeout>>} */
  const timers = {};
  let phase = "";
  let isPractice = false;

  /** Change the page only where the text changes, so that screen readers hear news only. @param {string} id @param {string} text */
  const write = (id, text) => {
    const target = element(id);
    if (target.textContent !== text) target.textContent = text;
  };

  const waiting = createWaiting({ t, write });

  /** @param {State} s */
  function queue(s) {
    if (phase !== s.phase) {
      phase = s.phase;
      clearTimeout(timers.phase);
      if (s.phase === "fill" && root.dataset.phase !== "boot") timers.phase = setTimeout(() => setPhase(phase), SKELETON_MS);
      else setPhase(s.phase);
    }
    const old = reviewed(s);
    for (const button of root.querySelectorAll(".answers button")) {
      button.setAttribute("aria-disabled", String(!isPractice && !["open", "review"].includes(s.phase)));
      if (old) button.setAttribute("aria-pressed", String(button.dataset.action === old.side));
      else button.removeAttribute("aria-pressed");
    }
    const answer = old ? t(old.side) : "";
    write("review-text", old ? t("review", { answer }) : "");
    notice(s);
  }

  /** @param {string} name */
  function setPhase(name) {
    root.dataset.phase = isPractice ? "practice" : name;
    pair.setAttribute("aria-busy", String(!isPractice && (name === "boot" || name === "fill")));
  }

  /** @param {State} s */
  function notice(s) {
    if (s.phase === "empty") return waiting.show(s.told, s.experiment, Math.max(s.progress?.mine ?? 0, s.answered.length));
    waiting.stop();
    if (s.phase === "held") {
      root.dataset.held = s.experiment; // paused, needs_task or done
      write("notice-title", t(`${s.experiment}_title`));
      write("notice-text", t(`${s.experiment}_text`));
    }
  }

  /** @param {State} s @param {Post} post */
  function saving(s, { unsent, refused, isTrouble, inMemory }) {
    const n = unsent.length;
    const kind = refused.length ? "refused" : n && isTrouble ? "trouble" : n ? "saving" : "saved";
    element("status").dataset.saving = kind;
    const text = { refused: t("refused", { n: refused.length }), trouble: t("kept", { n }), saving: t("saving"), saved: t("saved") }[kind];
    write("save-text", inMemory && n ? `${text} ${t("in_memory")}` : text);
    element("refused-actions").hidden = !refused.length;
    element("refused-why").textContent = refused[0]?.refused ?? "";
    const firsts = unsent.filter((entry) => !entry.answer.supersedes).length;
    const { mine = 0, answered = 0, cant_tell: unsure = 0, labels_wanted: wanted = 0, has_begun: hasBegun = true } = s.progress ?? {};
    write("mine", String(mine + firsts));
    write("given-what", t(hasBegun ? "given" : "given_first"));
    const given = hasBegun ? answered + firsts : Math.min(answered + unsure + firsts, wanted); // at first all answers count
    write("given", wanted ? `${given}/${wanted}` : String(given));
    const bar = element("progress");
    bar.hidden = !wanted; // where there is no budget nothing can be full
    bar.max = wanted || 1;
    bar.value = Math.min(given, wanted || 1);
    late(unsent);
  }

  /** The red bar: an answer waits for more than ten seconds. @param {Entry[]} unsent */
  function late(unsent) {
    const age = unsent.length ? Date.now() - Math.min(...unsent.map((entry) => entry.at)) : 0;
    root.classList.toggle("late", age > RED_AFTER_MS);
  }

  return {
    queue,
    saving,
    late,
    /** The one write that brings the back stage to the front. @param {number} index */
    raise(index) {
      pair.dataset.front = String(index);
    },
    /** @param {State} s */
    swapped(s) {
      const shown = frontPair(s);
      pair.dataset.assignment = s.front ?? "";
      const ratio = String(shown ? shown.size[0] / shown.size[1] || 1 : 1);
      if (root.style.getPropertyValue("--ratio") !== ratio) root.style.setProperty("--ratio", ratio);
      for (const side of /** @type {const} */ (["left", "right"])) write(`${side}-end`, endText(t, shown, side));
    },
    /** What to do with a practice pair; empty: it is over. @param {string} text */
    practice(text) {
      isPractice = text !== "";
      write("practice-text", text);
      element("practice").hidden = !isPractice;
      for (const button of root.querySelectorAll(".answers button")) button.setAttribute("aria-disabled", String(!isPractice));
      setPhase(phase || "boot");
    },
    /** @param {string} side */
    flash(side) {
      clearTimeout(timers.flash);
      root.dataset.flash = side;
      timers.flash = setTimeout(() => delete root.dataset.flash, FLASH_MS);
      write("said", t("answered", { answer: t(side) }));
    },
    /** @param {string} text @param {number} [ms] */
    hint(text, ms = HINT_MS) {
      clearTimeout(timers.hint);
      write("hint", text);
      element("hint").dataset.on = "";
      timers.hint = setTimeout(() => {
        delete element("hint").dataset.on;
        write("hint", "");
      }, ms);
    },
    /** @param {boolean} isRunning */
    running(isRunning) {
      root.classList.toggle("paused", !isRunning);
      element("toggle").setAttribute("aria-label", t(isRunning ? "pause" : "play"));
    },
    /** @param {number} fraction */
    frame(fraction) {
      const scrubber = element("scrubber");
      if (document.activeElement !== scrubber) scrubber.value = String(fraction);
    },
    /** @param {number} rate */
    speed(rate) {
      for (const button of root.querySelectorAll("[data-rate]")) {
        button.setAttribute("aria-pressed", String(Number(button.dataset.rate) === rate));
      }
    },
    /** New pairs while the tab is in the background. @param {number} n */
    news(n) {
      document.title = n ? `(${n}) ${title}` : title;
    },
    /** @param {import("./keys.js").Bindings} bindings */
    keys(bindings) {
      for (const cap of document.querySelectorAll("kbd[data-key]")) {
        const code = bindings[/** @type {HTMLElement} */ (cap).dataset.key ?? ""]?.[0];
        if (code) cap.textContent = keyName(code);
      }
    },
  };
}
