// @ts-check
/** The experiment page: curves that grow, counts that count, the agent then and now. */

import { createApi } from "../label/api.js";
import { createEnding } from "../label/ending.js";
import { watchLesson } from "../label/lesson.js";
import { jumps, mark } from "./refits.js";

const data = JSON.parse(document.getElementById("page-data")?.textContent ?? "{}");
const strings = JSON.parse(document.getElementById("strings")?.textContent ?? "{}");
const KNOWN = ["true_return", "predicted_return", "reward_accuracy", "disagreement", "labels", "reward_loss"];
const MOST = 6; // curves on the page
const REFITS = "refits"; // no curve of its own: marks on the predicted return
const NUMBER = new Intl.NumberFormat(document.documentElement.lang || undefined);
const CLOCK = new Intl.DateTimeFormat(document.documentElement.lang || undefined, { dateStyle: "medium", timeStyle: "short" });
const POLL_MS = 5000; // without a stream of events

/** @typedef {{step: number[], t: number[], value: number[]}} Series */
/** @type {Record<string, Series>} */
const series = {};
/** @type {Record<string, any>} */
const plots = {};
let cursor = "";
let isFetching = false;
let wasHere = false;
/** @type {number[]} steps at which the predicted return jumps, for the reward model was fitted anew */
let jumped = [];

/** Fetch what is new of all curves and draw it. */
async function update() {
  if (isFetching || !data.series_url) return;
  isFetching = true;
  try {
    const url = cursor === "" ? data.series_url : `${data.series_url}?since=${encodeURIComponent(cursor)}`;
    const answer = await fetch(url, { credentials: "same-origin" });
    if (!answer.ok) return;
    const told = await answer.json();
    cursor = String(told.cursor ?? "");
    for (const [name, points] of Object.entries(/** @type {Record<string, Series>} */ (told.series))) extend(name, points);
    draw();
  } finally {
    isFetching = false;
  }
}

/** @param {string} name @param {Series} points */
function extend(name, points) {
  const own = (series[name] ??= { step: [], t: [], value: [] });
  const isNew = (/** @type {number} */ index) => name === "labels" || !own.step.length || points.step[index] > own.step[own.step.length - 1];
  const replace = name === "labels" && points.value.length > 0 && points.value[0] <= (own.value[0] ?? Infinity);
  if (replace) Object.assign(own, { step: [], t: [], value: [] });
  points.value.forEach((value, index) => {
    if (!isNew(index)) return;
    own.value.push(value);
    own.step.push(points.step?.[index] ?? NaN);
    own.t.push(points.t?.[index] ?? NaN);
  });
}

function draw() {
  const known = KNOWN.filter((name) => series[name]);
  const others = Object.keys(series).filter((name) => !KNOWN.includes(name) && name !== REFITS).sort();
  const names = [...known, ...others].filter((name) => series[name].value.length > 1).slice(0, MOST);
  const empty = document.getElementById("no-curves");
  if (empty) empty.hidden = names.length > 0;
  if (series.predicted_return) jumped = jumps(series.predicted_return, series[REFITS]?.step ?? []);
  names.forEach((name, index) => (plots[name] ? plots[name].setData(columns(name)) : create(name, index)));
  for (const name of names) label(name);
}

/** @param {string} name */
const byTime = (name) => name === "labels"; // people label by the clock, not by env steps
/** @param {string} name */
const columns = (name) => [byTime(name) ? series[name].t : series[name].step, series[name].value];

/** @param {string} name @param {number} index */
function create(name, index) {
  const card = document.createElement("figure");
  card.className = "card curve";
  const heading = document.createElement("h3");
  heading.append(strings[name] ?? name, document.createElement("span"));
  const box = document.createElement("div");
  box.className = `plot c${(index % 5) + 1}`;
  card.append(heading, box);
  const told = document.createElement("p");
  told.className = "muted small refits";
  told.textContent = strings.refits ?? "";
  if (name === "predicted_return") card.append(told);
  document.getElementById("curves")?.append(card);
  card.dataset.name = name;
  const style = getComputedStyle(box);
  const [ink, muted] = [style.color, getComputedStyle(document.querySelector(".muted") ?? box).color];
  const grid = { stroke: muted.replace("rgb(", "rgba(").replace(")", ", 0.18)"), width: 1 };
  const axis = { stroke: muted, grid, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumSignificantDigits: 3 });
  const values = (/** @type {any} */ _plot, /** @type {number[]} */ ticks) => ticks.map((tick) => compact.format(tick));
  const options = {
    width: box.clientWidth || 320, height: 190, cursor: { points: { size: 6 }, y: false }, legend: { show: false }, scales: { x: { time: byTime(name) } },
    axes: [byTime(name) ? axis : { ...axis, values, size: 30 }, { ...axis, values, size: 52 }],
    series: [{}, { stroke: ink, width: 2, points: { show: false } }],
    hooks: name === "predicted_return" ? { draw: [(/** @type {any} */ plot) => mark(plot, jumped, muted)] } : {},
  };
  // @ts-ignore: uPlot is a global of the vendored script
  plots[name] = new uPlot(options, columns(name), box);
  new ResizeObserver(() => plots[name].setSize({ width: box.clientWidth, height: 190 })).observe(box);
}

/** The newest value beside the title, which also says it to those who see no canvas. @param {string} name */
function label(name) {
  const last = series[name].value[series[name].value.length - 1];
  const out = document.querySelector(`.curve[data-name="${CSS.escape(name)}"] h3 span`);
  const told = /** @type {HTMLElement | null} */ (document.querySelector(`.curve[data-name="${CSS.escape(name)}"] .refits`));
  if (told) told.hidden = !jumped.length;
  if (out) out.textContent = Math.abs(last) >= 100 || Number.isInteger(last) ? String(Math.round(last)) : last.toPrecision(3);
}

/** @param {any} told progress, state, queue, trainer_seen, step */
function count({ progress, state, queue, trainer_seen: isHere, step }) {
  const write = (/** @type {string} */ id, /** @type {any} */ value) => {
    const target = document.getElementById(id);
    if (target && value !== undefined && value !== null) target.textContent = typeof value === "number" ? NUMBER.format(value) : String(value);
  };
  write("answered", progress?.answered);
  write("cant-tell", progress?.cant_tell);
  write("step", step);
  const bar = /** @type {HTMLProgressElement | null} */ (document.getElementById("labels-progress"));
  if (bar && progress) {
    const wanted = progress.labels_wanted; // 0: no budget, so that nothing can be full
    Object.assign(bar, { hidden: !wanted, max: wanted || 1, value: progress.answered });
    write("wanted", wanted ? `/ ${NUMBER.format(wanted)}` : "");
  }
  for (const [name, value] of Object.entries(queue ?? {})) {
    const target = document.querySelector(`[data-queue="${CSS.escape(name)}"]`);
    if (target) target.textContent = String(value);
  }
  const badge = document.getElementById("state");
  if (badge && state) {
    badge.className = `badge ${state}`;
    badge.textContent = strings[state] ?? state;
  }
  if (isHere) write("heartbeat", strings.here);
  else if (wasHere) write("heartbeat", strings.gone);
  wasHere = isHere;
}

/** What the trainer wants its owner to know. @param {{text: string, at: string | null}} told */
function warn({ text, at }) {
  const line = document.getElementById("notice");
  const said = document.getElementById("notice-text");
  if (!line || !said) return;
  line.hidden = !text;
  said.textContent = text;
  stamp(at);
}

/** @param {string | null | undefined} at */
function stamp(at) {
  const clock = /** @type {HTMLTimeElement | null} */ (document.getElementById("notice-at"));
  if (clock && at) clock.textContent = CLOCK.format(new Date(at));
}

/** @type {EventSource | null} */
let stream = null;
/** @type {ReturnType<typeof setInterval> | undefined} */
let polling;

/** News by a stream while the page is looked at; by asking where the stream does not come through. */
function listen() {
  if (document.hidden || !data.events_url) {
    stream?.close();
    stream = null;
    return;
  }
  if (stream) return;
  stream = new EventSource(data.events_url);
  stream.addEventListener("open", () => clearInterval(polling));
  stream.addEventListener("progress", (event) => count(JSON.parse(event.data)));
  stream.addEventListener("series", () => void update());
  stream.addEventListener("notice", (event) => warn(JSON.parse(event.data)));
  stream.addEventListener("video", (event) => show("now", JSON.parse(event.data)));
  stream.addEventListener("error", () => {
    clearInterval(polling);
    polling = setInterval(() => void update(), POLL_MS);
  });
}

/** @param {"then" | "now"} which @param {{url: string, step: number}} video */
function show(which, video) {
  const screen = /** @type {HTMLVideoElement | null} */ (document.getElementById(which));
  const step = document.getElementById(`${which}-step`);
  if (!screen || !step) return;
  screen.src = video.url;
  step.textContent = NUMBER.format(video.step);
}

for (const one of document.querySelectorAll("[data-number]")) {
  one.textContent = NUMBER.format(Number(/** @type {HTMLElement} */ (one).dataset.number));
}
stamp(document.getElementById("notice-at")?.getAttribute("datetime"));
const videos = JSON.parse(document.getElementById("videos")?.textContent ?? "[]");
const moment = /** @type {HTMLInputElement | null} */ (document.getElementById("moment"));
moment?.addEventListener("input", () => show("then", videos[Number(moment.value)]));
if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
  for (const video of document.querySelectorAll("video")) {
    video.autoplay = false;
    video.controls = true;
    video.pause();
  }
}

addEventListener("rl-theme", () => {
  for (const [name, plot] of Object.entries(plots)) {
    plot.destroy();
    delete plots[name];
  }
  document.querySelectorAll(".curve").forEach((card) => card.remove());
  draw();
});
const api = createApi({ slug: data.slug, csrf: data.csrf, base: data.base });
const ending = createEnding({ api, onShown: () => {} });
watchLesson({ api, onTold: (lesson) => void ending.told(lesson) });
document.addEventListener("visibilitychange", listen);
void update().finally(listen);
