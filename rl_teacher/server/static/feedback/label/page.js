// @ts-check
/** The labeling page: wires queue, player, clips, outbox, keys and touch to each other and to the server. */

import { createAgent } from "./agent.js";
import { createApi, tabId, uuid } from "./api.js";
import { createAttention } from "./attention.js";
import { createCare } from "./care.js";
import { createClips, lacksH264, preferredRenditions } from "./clips.js";
import { createCourse } from "./course.js";
import { isDialogOpen, listenToInput, listenToLife, listenToTouch } from "./input.js";
import { readBindings } from "./keys.js";
import { createLeases } from "./leases.js";
import { createOutbox, openStore } from "./outbox.js";
import { createPlayer } from "./player.js";
import { createPractice } from "./practice.js";
import { find, refillWanted, START, step } from "./queue.js";
import { nameSides } from "./sides.js";
import { createSignIn } from "./signin.js";
import { createSupply } from "./supply.js";
import { createView, element, translator } from "./view.js";

const CARE_MS = 9000;
const SPEEDS = [0.25, 0.5, 1, 2];

const data = JSON.parse(element("page-data").textContent);
const t = translator(JSON.parse(element("strings").textContent), nameSides());
const user = String(data.user_id);
const api = createApi({ slug: data.slug, csrf: data.csrf, base: data.base });
const view = createView(t);
const tab = tabId(sessionStorage);
const opening = openStore(`rl-teacher${data.base}`); // another server may live under another path of this site
const bindings = readBindings(localStorage);
const attention = createAttention();
const agent = createAgent({ api });
const leases = createLeases({ api, tab, live: () => live(), dispatch, onFailed: failed });
const care = createCare({ say: (name) => view.hint(t(name), CARE_MS) });
const course = createCourse({ api, slug: data.slug, mine: data.progress?.mine ?? 0, t, look: () => look(), onProgress: (progress) => dispatch({ type: "progress", progress }), onFailed: failed });

let state = { ...START, progress: data.progress ?? null };
/** @type {import("./queue.js").Event[] | null} */
let events = null;
/** @type {import("./view.js").Post} */
const post = { unsent: [], refused: [], isRunning: true, isTrouble: false, inMemory: false };
/** @type {Set<string>} assignments answered here and not yet acknowledged */
const unsentAssignments = new Set();

/** @type {[import("./player.js").Stage, import("./player.js").Stage]} */
const stages = [{ left: element("left-0"), right: element("right-0") }, { left: element("left-1"), right: element("right-1") }];
const player = createPlayer({
  stages,
  raise: view.raise,
  onStaged: (id) => (practice.isOn() ? practice.staged(id) : dispatch({ type: "staged", id })),
  onBroken: (id, reason) => practice.isOn() ? practice.end() : (id === state.front ? dispatch({ type: "broken", id, reason }) : clips.undecodable(id, reason)),
  onPainted: painted,
  onNeedsTap() {
    view.running(false);
    view.hint(t("tap_to_play"), 60_000);
  },
  onFrame: view.frame,
});
const renditions = preferredRenditions(stages[0].left);
const practice = createPractice({ base: data.practice_url, rendition: renditions[0], player, view, t });
const clips = createClips({
  renditions,
  needsWebm: lacksH264(stages[0].left),
  onNeedsWebm() {
    view.hint(t("no_h264"), 60_000);
    api.needsWebm().catch(failed);
  },
  refresh: (id) => api.assignment(id),
  onLoaded: (id) => dispatch({ type: "loaded", id }),
  onBroken: (id, reason) => dispatch({ type: "broken", id, reason }),
});
const outbox = createOutbox({
  store: await opening,
  user,
  slug: data.slug,
  send,
  onSent,
  onChange(unsent, refused) {
    Object.assign(post, { unsent, refused });
    if (!unsent.length) post.isTrouble = false;
    view.saving(state, post);
  },
  onTrouble(kind) {
    if (kind === "signed-out") signedOut();
    else if (kind === "storage") post.inMemory = true;
    else post.isTrouble = true;
    view.saving(state, post);
  },
});
const supply = createSupply({ api, tab, have: () => have(), dispatch, onFailed: failed, onHeld: leases.note, onNews(count) {
  if (document.hidden) view.news(count);
} });
const signIn = createSignIn({ api, door: `${data.base}/login`, user, t, onBack() {
  dispatch({ type: "signed-in" });
  void outbox.kick();
} });

/**
 * Run one event through the queue, then do what it asks for; events made meanwhile wait their turn.
 * @param {import("./queue.js").Event} event
 */
function dispatch(event) {
  if (events) return void events.push(event);
  events = [event];
  for (let next = events.shift(); next; next = events.shift()) {
    const [after, effects] = step(state, next);
    state = after;
    for (const effect of effects) EFFECTS[effect.do](effect);
  }
  events = null;
  view.queue(state);
  agent.phase(state.phase);
  course.phase(state.phase);
  view.saving(state, post);
}

/** @type {Record<string, (effect: import("./queue.js").Effect) => void>} */
const EFFECTS = {
  claim: ({ want }) => void supply.claim(want),
  retry: () => void supply.retry(),
  wait: () => void supply.wait(),
  recall: () => void supply.recall(),
  download: ({ id }) => void clips.want(/** @type {any} */ (find(state, id))),
  drop: ({ id }) => clips.drop(id),
  stage({ id }) {
    const [urls, pair] = [clips.urls(id), find(state, id)];
    if (urls && pair) void player.stage({ id, left: urls.left, right: urls.right, fps: pair.fps });
  },
  swap() {
    player.swap();
    view.swapped(state);
  },
  save({ id, answer }) {
    unsentAssignments.add(answer.assignment);
    void outbox.post(id, answer);
    if (!answer.supersedes) care.answered(answer.loops);
    if (!answer.supersedes) course.answered();
  },
  flash: ({ side }) => view.flash(side),
  report({ id, reason }) {
    view.hint(t("skipped"));
    api.mediaError(id, String(reason).slice(0, 300)).catch(failed);
  },
  hint: ({ name }) => view.hint(t(name)),
};

function failed(/** @type {any} */ error) {
  if (error.kind === "signed-out") signedOut();
}

function signedOut() {
  if (signIn.isAsking()) return;
  dispatch({ type: "signed-out" });
  void signIn.ask();
}

/** @param {import("./outbox.js").Entry} entry */
async function send(entry) {
  const want = entry.slug === data.slug ? refillWanted(state) : 0;
  if (want) dispatch({ type: "asked" });
  try {
    return await api.answer(entry.id, { answer: entry.answer, ...(want ? { refill: { want, have: have(), tab } } : {}) });
  } catch (error) {
    if (want) dispatch({ type: "claim-failed" });
    throw error;
  }
}

/** @param {import("./outbox.js").Entry} entry @param {any} result */
function onSent(entry, result) {
  unsentAssignments.delete(entry.answer.assignment);
  post.isTrouble = false;
  if (entry.slug !== data.slug) return;
  if (state.asking === "now" && Array.isArray(result.refill)) supply.claimed({ ...result, assignments: result.refill });
  else dispatch({ type: "progress", progress: result.progress, state: result.state });
}

const have = () => [...new Set([...live(), ...unsentAssignments])].slice(0, 64); // the server's limit

/** @param {string} id */
function painted(id) {
  attention.painted();
  guard(id);
}

/** Answers count once both clips have run for the minimum view time. @param {string} id */
function guard(id) {
  if (state.front !== id) return;
  const left = (find(state, id)?.min_view_ms ?? data.min_view_ms ?? 300) - player.seen().watchedMs;
  if (left <= 0) dispatch({ type: "watched", id });
  else setTimeout(() => guard(id), Math.max(16, Math.min(left, 100)));
}

/** @param {string} side @param {number} at when the key went down, on the page's clock */
function press(side, at) {
  const { loops, speed } = player.seen();
  const [rendition, time] = [clips.urls(state.front ?? "")?.rendition ?? "mp4", new Date(performance.timeOrigin + at)];
  const facts = { ...attention.measure(at), loops, speed, rendition, pressed_at: time.toISOString() };
  dispatch({ type: "press", side, response: uuid(), facts });
}

/** @param {string} action @param {number} at */
function act(action, at) {
  if (practice.isOn() && practice.act(action)) return;
  if (action === "skip") return;
  if (["left", "right", "tie", "cant_tell"].includes(action)) return press(action, at);
  if (action.startsWith("speed")) return setSpeed(SPEEDS[Number(action.slice(5)) - 1]);
  if (action === "undo" || action === "escape") dispatch({ type: action });
  else if (action === "toggle") player.toggle();
  else if (action === "restart") player.restart();
  else if (action === "back" || action === "forward") player.nudge(action === "back" ? -1 : 1);
  else return openDialog(action);
  view.running(player.isRunning());
}

/** @param {number} rate */
function setSpeed(rate) {
  player.setSpeed(rate);
  view.speed(rate);
}

/** @param {string} name help, guide or flag */
function openDialog(name) {
  if (name === "flag" && !["guard", "open", "review"].includes(state.phase)) return;
  if (!isDialogOpen()) element(name).showModal();
  look(true);
}

/** @param {string} reason */
function flag(reason) {
  const id = state.reviewing ?? state.front;
  if (id) api.flag(id, reason).then(() => view.hint(t("flagged")), () => view.hint(t("flag_failed")));
}

/** Nobody sees the clips while the page is hidden or a dialog is open. */
function look(isAway = document.hidden || isDialogOpen()) {
  attention.hidden(isAway);
  player.suspend(isAway);
}

/** @param {boolean} isHidden */
function seen(isHidden) {
  look();
  if (isHidden) return;
  view.news(0);
  void leases.back();
}

function online() {
  dispatch({ type: "retry" });
  void outbox.kick();
}

/** Give back what nobody is looking at any more. */
function leave() {
  supply.stop();
  leases.release();
}

const live = () => state.pairs.map((pair) => pair.assignment);

async function start() {
  view.keys(bindings);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) player.setWanted(false);
  view.running(player.isRunning());
  listenToInput({ bindings, act, flag, settle: outbox.settle, seek(fraction) {
    player.seek(fraction);
    view.running(false);
  }, resume: () => look() });
  listenToTouch({ act, wake() {
    if (player.isRunning()) return false;
    player.toggle();
    view.running(true);
    view.hint("", 0);
    return true;
  } });
  listenToLife({ seen, online, leave });
  leases.watch();
  setInterval(() => view.late(post.unsent), 1000);
  const waiting = (await outbox.entries().catch(() => [])).filter((entry) => !entry.refused);
  for (const entry of waiting) unsentAssignments.add(entry.answer.assignment);
  const begin = () => {
    dispatch({ type: "booted", unsent: waiting.map((entry) => entry.answer.assignment) });
    void outbox.kick();
    agent.start();
    course.start();
  };
  const isNew = !localStorage.getItem("rl-teacher.met");
  localStorage.setItem("rl-teacher.met", "1");
  if (isNew && !waiting.length && !data.progress?.mine) practice.start(begin);
  else begin();
  if (isNew) openDialog("help");
}

await start();
