// The page: what is open, where one is in it, and how it is shown.

import { get, listen, post, Trouble } from "./api.js";
import * as jobs from "./jobs.js";
import { Keys } from "./keys.js";
import * as opening from "./open.js";
import { Panel } from "./panel.js";
import { Pictures } from "./pictures.js";
import { Player } from "./play.js";
import * as rendering from "./render.js";
import { Ribbon } from "./ribbon.js";
import { address, at, nextOf, number, pretty, ratioOf } from "./time.js";
import { Viewer } from "./viewer.js";

const $ = (id) => document.getElementById(id);
const RATES = [["", "twice the clip's"], ["24", "24"], ["25", "25"], ["30", "30"], ["48", "48"], ["50", "50"], ["60000/1001", "59.94"], ["60", "60"], ["120", "120"]];

let info = null; // of the studio
let project = null;
let pair = null; // from the drawing where one is to the next; null until it is known
const cursor = { drawing: 0, stop: 0, free: null }; // stop 0: the drawing; free: another t than the chart's
const view = { onion: false, beside: "", as: "side", flip: 0, range: "shot" };
let shotSlots = { key: "", slots: [] };
let pending = null; // id of a project that is being looked at

const pictures = new Pictures(() => {
  viewer.draw();
  ribbon.draw();
  note();
});
const viewer = new Viewer($("canvas"), pictures, {
  zoomed: (scale, now) => ($("zoom").textContent = scale ? `${Math.round(now * 100)}%` : "fit"),
  pixel: (found) => (pixel = found) !== undefined && where(),
  wiped: () => {},
  picked: () => {},
});
let pixel = null;
const ribbon = new Ribbon(pictures, {
  select: (drawing) => go(drawing, 0),
  removeCut: (frame) => edit({ edit: "cut", frame, there: false }),
  cadence: (shot, cadence) => edit({ edit: "cadence", shot, cadence }),
  zoomed: () => head(),
});
const player = new Player(pictures, {
  picture: (slot) => slotPath(slot, true),
  show: (slot, missing) => {
    viewer.show(scene(slotPath(slot, true), framePath(slot.source)));
    ribbon.head(slot.target === null ? slot.source : slot.source + (slot.target - slot.source) * number(slot.t));
    $("canvas-note").hidden = !missing;
    $("canvas-note").textContent = `${missing} still being drawn`;
  },
  stopped: (slot) => stand(slot),
});
let panel = null;

// -- addresses of pictures --------------------------------------------------------------------------

const base = () => `projects/${project.id}`;
const framePath = (frame) => `${base()}/frames/${frame}`;

function betweenPath(target, t, key, { model = "", ahead = false } = {}) {
  const words = new URLSearchParams({ k: key });
  if (model) words.set("model", model);
  if (ahead) words.set("ahead", "");
  return `${base()}/pairs/${target}/at/${address(t)}?${words}`;
}

function slotPath(slot, ahead = false) {
  return slot.target === null ? framePath(slot.source) : betweenPath(slot.target, slot.t, slot.key, { ahead });
}

// -- where one is -----------------------------------------------------------------------------------

const ticks = () => pair?.ticks ?? [];
const nowT = () => cursor.free ?? (cursor.stop ? ticks()[cursor.stop - 1]?.t : null) ?? null;
const target = () => {
  const next = nextOf(project, cursor.drawing);
  return next < 0 ? null : project.drawings[next][0];
};

async function go(drawing, stop, free = null) {
  if (!project) return;
  player.stop();
  const other = drawing !== cursor.drawing || !pair;
  Object.assign(cursor, { drawing: Math.min(project.drawings.length - 1, Math.max(0, drawing)), stop, free });
  view.flip = 0;
  if (other) await loadPair();
  cursor.stop = Math.min(cursor.stop, ticks().length);
  show();
  speak();
}

async function loadPair() {
  const wanted = target();
  pair = null;
  if (wanted === null) return;
  const revision = project.revision;
  const found = await get(`${base()}/pairs/${wanted}`);
  if (project.revision === revision && target() === wanted) pair = found;
}

function step(by) {
  if (!project) return;
  cursor.free = null;
  const stop = cursor.stop + by;
  if (stop < 0) {
    const before = cursor.drawing - 1;
    if (before >= 0) go(before, 0).then(() => go(before, ticks().length));
  } else if (stop > ticks().length) {
    if (cursor.drawing + 1 < project.drawings.length) go(cursor.drawing + 1, 0);
  } else {
    go(cursor.drawing, stop);
  }
}

function jumpShot(by) {
  if (!project) return;
  const shot = at(project.shots, project.drawings[cursor.drawing][0]) + by;
  if (shot >= 0 && shot < project.shots.length) go(at(project.drawings, project.shots[shot][0]), 0);
}

function nudge(by) {
  if (!pair?.ticks.length) return;
  const t = Math.min(0.99, Math.max(0.01, (nowT() ? number(nowT()) : 0) + by));
  go(cursor.drawing, 0, ratioOf(t, 100));
}

// The stop that an output frame is.
function stand(slot) {
  if (!slot) return;
  if (slot.target === null) return void go(at(project.drawings, slot.source), 0);
  go(at(project.drawings, slot.source), 0).then(() => {
    const tick = ticks().findIndex((one) => one.t === slot.t);
    if (tick >= 0) go(cursor.drawing, tick + 1);
  });
}

// -- what is shown ----------------------------------------------------------------------------------

function scene(main, spare = null) {
  const { width, height, aspect, alpha } = project.source;
  const [first] = project.drawings[cursor.drawing];
  const second = target();
  const keys = { first: framePath(pair?.source ?? first), second: second === null ? null : framePath(second) };
  const t = nowT();
  let beside = null;
  let besideWords = "";
  if (view.beside === "first" || view.beside === "second") {
    beside = keys[view.beside];
    besideWords = view.beside === "first" ? "first key" : "second key";
  } else if (view.beside && second !== null) {
    besideWords = view.beside;
    beside = t ? betweenPath(second, t, pair?.key ?? "", { model: view.beside }) : keys.first;
  }
  const words = `${t ? pretty(t) : "key"} · ${pair?.model ?? project.settings.model}`;
  return {
    width, height, aspect, alpha, main, spare, beside, as: view.as,
    onion: view.onion ? keys : null,
    opacity: Number($("onion-opacity").value) / 100,
    labels: [words, besideWords],
  };
}

function mainPath() {
  const [first] = project.drawings[cursor.drawing];
  const second = target();
  const flipped = ["", "first", "", "second"][view.flip];
  if (flipped === "first") return framePath(pair?.source ?? first);
  if (flipped === "second" && second !== null) return framePath(second);
  const t = nowT();
  return t && second !== null ? betweenPath(second, t, pair.key) : framePath(first);
}

function spare() {
  const t = nowT();
  const second = target();
  if (!t || second === null) return null;
  const near = [...ticks()].sort((a, b) => Math.abs(number(a.t) - number(t)) - Math.abs(number(b.t) - number(t)));
  for (const tick of near) {
    const path = betweenPath(second, tick.t, pair.key);
    if (pictures.has(path)) return path;
  }
  return framePath(pair?.source ?? project.drawings[cursor.drawing][0]);
}

function show() {
  if (!project) return;
  $("empty").hidden = true;
  viewer.show(scene(mainPath(), spare()));
  ribbon.show(project, cursor.drawing);
  panel.current = cursor.stop - 1;
  panel.show(project, cursor, pair);
  tools();
  head();
  where();
  note();
  const t = nowT();
  const drawing = `Drawing ${cursor.drawing + 1}`;
  $("canvas").setAttribute("aria-label", t ? `${drawing}, in-between at ${pretty(t)}` : `${drawing}, as it was drawn`);
}

function tools() {
  const here = Boolean(project);
  $("project-name").textContent = here ? project.name : "Open…";
  $("project-facts").textContent = here ? facts() : "";
  $("undo").disabled = !project?.undo;
  $("redo").disabled = !project?.redo;
  for (const id of ["render", "play", "half", "range", "flip", "scrub", "onion", "onion-opacity", "beside", "cut-here", "drawing-here", "rate", "model", "as-side", "as-wipe"]) $(id).disabled = !here;
  if (!here) return;
  document.title = `${project.name} · nakawari studio`;
  $("onion").setAttribute("aria-pressed", String(view.onion));
  for (const as of ["side", "wipe"]) $(`as-${as}`).setAttribute("aria-checked", String(view.as === as));
  $("beside").value = view.beside;
  $("scrub").disabled = !ticks().length;
  $("scrub").value = Math.round((nowT() ? number(nowT()) : 0) * 1000);
  $("scrub").setAttribute("aria-valuetext", nowT() ? pretty(nowT()) : "first key");
  $("scrub-ticks").replaceChildren(...ticks().map((tick) => {
    const mark = document.createElement("span");
    mark.style.left = `${number(tick.t) * 100}%`;
    return mark;
  }));
  $("range").textContent = view.range;
  const [first] = project.drawings[cursor.drawing];
  const begins = project.shots[at(project.shots, first)][0] === first;
  $("cut-here").textContent = begins ? "Remove cut" : "Cut here";
  $("cut-here").disabled = first === 0;
  $("drawing-here").textContent = "Join";
  $("drawing-here").disabled = begins;
  choose($("rate"), RATES, project.settings.fps ?? (project.settings.factor ? "" : ""));
  $("rate").options[0].textContent = `2× (${Number((2 * number(project.source.rate)).toFixed(3))})`;
  $("model").value = project.settings.model;
}

function choose(select, options, value) {
  if (select.dataset.filled !== "yes") {
    for (const [key, words] of options) select.add(new Option(words, key));
    select.dataset.filled = "yes";
  }
  const plain = value.endsWith("/1") ? value.slice(0, -2) : value;
  if (plain && ![...select.options].some((one) => one.value === plain)) {
    select.add(new Option(String(Number(number(plain).toFixed(3))), plain));
  }
  select.value = plain;
}

function facts() {
  const { width, height, rate, alpha, bits } = project.source;
  const fps = Number(number(rate).toFixed(3));
  return `${width}×${height} · ${fps} → ${Number(project.settings.rate_number.toFixed(3))} fps${alpha ? " · alpha" : ""}${bits > 8 ? ` · ${bits} bit` : ""}`;
}

function head() {
  if (!project) return;
  const [first] = project.drawings[cursor.drawing];
  const t = nowT();
  const second = target();
  const source = pair?.source ?? first;
  ribbon.head(t && second !== null ? source + (second - source) * number(t) : first);
}

function where() {
  if (!project) return;
  const [first] = project.drawings[cursor.drawing];
  const t = nowT();
  const parts = [t ? `t = ${pretty(t)}` : `frame ${first}`];
  if (pixel) parts.unshift(`${pixel.x}, ${pixel.y}  #${pixel.colour.slice(0, 3).map((c) => c.toString(16).padStart(2, "0")).join("")}`);
  $("where").textContent = parts.join("   ");
}

// What keeps the picture from being there.
function note() {
  if (!project || player.playing) return;
  pictures.get(mainPath());
  const { state, bitmap, error } = pictures.state(mainPath());
  $("canvas-note").hidden = Boolean(bitmap);
  $("canvas-note").textContent = state === "failed" ? error : "drawing…";
  $("canvas-note").classList.toggle("failed", state === "failed");
}

function speak() {
  const [first, last, flash, held] = project.drawings[cursor.drawing];
  const t = nowT();
  const frames = last - first + 1;
  say(t
    ? `In-between ${cursor.stop ? `${cursor.stop} of ${ticks().length}` : "free"}, at ${pretty(t)}`
    : `Drawing ${cursor.drawing + 1} of ${project.drawings.length}, ${frames} frame${frames > 1 ? "s" : ""}${flash ? ", flash" : held ? ", held" : ""}, ${ticks().length} in-betweens`);
}

function say(words) {
  $("said").textContent = words;
}

function trouble(words) {
  $("trouble").textContent = words;
  $("trouble").hidden = !words;
}

const guarded = (act) => async (...words) => {
  try {
    return await act(...words);
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    trouble(error.message);
    setTimeout(() => trouble(""), 6000);
    return null;
  }
};

// -- changing it ------------------------------------------------------------------------------------

const take = async (changed) => {
  const frame = project && project.id === changed.id ? project.drawings[cursor.drawing][0] : null;
  const wrong = changed.wrong ?? project?.wrong ?? "";
  project = { ...changed, wrong };
  trouble(wrong);
  if (frame === null) Object.assign(cursor, { drawing: 0, stop: 0, free: null });
  else cursor.drawing = at(project.drawings, frame);
  pair = null;
  await loadPair();
  cursor.stop = Math.min(cursor.stop, ticks().length);
  show();
};

const edit = guarded(async (words) => {
  player.stop();
  await take(await post(`${base()}/edits`, words));
});

const undo = guarded(async (back) => {
  if (!project || !(back ? project.undo : project.redo)) return;
  player.stop();
  await take(await post(`${base()}/${back ? "undo" : "redo"}`));
  say(back ? "Taken back" : "Done again");
});

function cutHere() {
  const [first] = project.drawings[cursor.drawing];
  if (first === 0) return;
  const there = project.shots[at(project.shots, first)][0] === first;
  edit({ edit: "cut", frame: first, there: !there });
}

function holdHere() {
  const [frame, , , held] = project.drawings[cursor.drawing];
  edit({ edit: "hold", frame, held: !held });
}

function joinHere() {
  const [frame] = project.drawings[cursor.drawing];
  if (frame > 0) edit({ edit: "drawing", frame, there: false });
}

function splitHere() {
  const [first, last] = project.drawings[cursor.drawing];
  if (last > first) edit({ edit: "drawing", frame: first + ((last - first + 1) >> 1), there: true });
}

function cadenceHere(cadence) {
  const shot = at(project.shots, project.drawings[cursor.drawing][0]);
  edit({ edit: "cadence", shot, cadence });
}

// -- playing ----------------------------------------------------------------------------------------

const play = guarded(async () => {
  if (!project) return;
  if (player.playing) {
    player.stop();
    playing();
    return;
  }
  const [first] = project.drawings[cursor.drawing];
  const shot = at(project.shots, first);
  const key = `${project.id} ${project.revision} ${shot}`;
  if (shotSlots.key !== key) shotSlots = { key, ...(await get(`${base()}/shots/${shot}`)) };
  let slots = shotSlots.slots;
  const end = target();
  if (view.range === "pair" && end !== null) {
    slots = slots.filter((slot) => slot.target === end || (slot.target === null && slot.source >= first && slot.source <= end));
  }
  const from = Math.max(0, slots.findIndex((slot) => slot.source >= first && (slot.target ?? end) === end));
  player.start(slots, project.settings.rate_number, view.range === "pair" ? 0 : from);
  playing();
});

function playing() {
  $("play").textContent = player.playing ? "❚❚" : "▶";
  $("play").setAttribute("aria-pressed", String(player.playing));
  $("play").setAttribute("aria-label", player.playing ? "Pause" : "Play");
  $("half").setAttribute("aria-pressed", String(player.speed === 0.5));
}

// -- opening ----------------------------------------------------------------------------------------

const load = guarded(async (id) => {
  player.stop();
  playing();
  pictures.forget();
  project = null;
  await take(await get(`projects/${id}`));
  sessionStorage.setItem("nakawari-project", id);
  $("ribbon-list").focus({ preventScroll: true });
  speak();
});

function opened(answer) {
  if ("uploading" in answer) {
    trouble(answer.uploading ? `Copying ${answer.uploading}…` : "");
    return;
  }
  if (answer.job && answer.job.state !== "done") pending = answer.id;
  else load(answer.id);
}

function hear(event) {
  pictures.hear(event);
  if (!event.job) return;
  const words = jobs.hear(event.job);
  if (words) say(words);
  const { name, state, error, result, title } = event.job;
  if (name === "look" && event.job.project === pending && state === "done") {
    pending = null;
    load(result.id);
  }
  if (state === "failed" && name !== "frame" && name !== "draw") trouble(`${title}: ${error}`);
  if (name === "render" && state === "done") trouble("");
}

function recents() {
  $("recent").replaceChildren(...info.projects.slice(0, 8).map((row) => {
    const made = document.createElement("button");
    made.textContent = row.name;
    made.title = row.path;
    made.addEventListener("click", () => load(row.id));
    const item = document.createElement("li");
    item.append(made);
    return item;
  }));
}

// -- the page ---------------------------------------------------------------------------------------

const toggle = (name, value) => {
  view[name] = value;
  show();
};
const click = (id, act) => $(id).addEventListener("click", act);
const change = (id, act) => $(id).addEventListener("change", act);

function theme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  localStorage.setItem("nakawari-theme", document.documentElement.dataset.theme);
}

const flip = () => project && toggle("flip", (view.flip + 1) % 4);
const compare = (as) => {
  view.as = as;
  if (!view.beside) view.beside = "first";
  show();
};
const keys = new Keys([
  [["ArrowRight"], "the next in-between or drawing", () => step(1)],
  [["ArrowLeft"], "the one before", () => step(-1)],
  [["ArrowDown", "Shift+ArrowRight"], "the next drawing", () => go(cursor.drawing + 1, 0)],
  [["ArrowUp", "Shift+ArrowLeft"], "the drawing before", () => go(cursor.drawing - 1, 0)],
  [["PageDown"], "the next shot", () => jumpShot(1)],
  [["PageUp"], "the shot before", () => jumpShot(-1)],
  [["Home"], "the first drawing", () => go(0, 0)],
  [["End"], "the last drawing", () => project && go(project.drawings.length - 1, 0)],
  [[","], "a little less t", () => nudge(-0.02)],
  [["."], "a little more t", () => nudge(0.02)],
  [["Space"], "play, pause", () => play()],
  [["Shift+Space"], "half speed", () => halve()],
  [["R"], "play the pair or the shot", () => toggle("range", view.range === "shot" ? "pair" : "shot")],
  [["F"], "flip: first key, between, second key", () => flip()],
  [["O"], "onion skin", () => project && toggle("onion", !view.onion)],
  [["S"], "side by side", () => project && compare("side")],
  [["W"], "wipe", () => project && compare("wipe")],
  [["X"], "nothing beside", () => project && toggle("beside", "")],
  [["+", "="], "larger", () => viewer.zoom(1.4)],
  [["-"], "smaller", () => viewer.zoom(1 / 1.4)],
  [["0"], "fit", () => viewer.fit()],
  [["1"], "pixel for pixel", () => viewer.actual()],
  [["C"], "cut before this drawing, or none", () => project && cutHere()],
  [["H"], "hold this drawing, or let it move", () => project && holdHere()],
  [["J"], "join this drawing to the one before", () => project && joinHere()],
  [["D"], "split this drawing", () => project && splitHere()],
  [["Alt+1"], "the shot is on ones", () => project && cadenceHere(1)],
  [["Alt+2"], "on twos", () => project && cadenceHere(2)],
  [["Alt+3"], "on threes", () => project && cadenceHere(3)],
  [["T"], "to the timing chart", () => document.querySelector(".tick")?.focus()],
  [["M"], "to the pair's model", () => $("pair-model")?.focus()],
  [["Ctrl+Z"], "undo", () => undo(true)],
  [["Ctrl+Shift+Z", "Ctrl+Y"], "redo", () => undo(false)],
  [["E"], "render and save", () => project && rendering.show(project, info.exports)],
  [["Ctrl+O"], "open", () => opening.show()],
  [["?"], "these keys", () => $("keys-dialog").showModal()],
]);

const halve = () => {
  player.setSpeed(player.speed === 1 ? 0.5 : 1);
  playing();
};

function wire() {
  click("open", () => opening.show());
  click("empty-open", () => opening.show());
  click("undo", () => undo(true));
  click("redo", () => undo(false));
  click("render", () => rendering.show(project, info.exports));
  click("theme", theme);
  click("keys", () => $("keys-dialog").showModal());
  click("onion", () => toggle("onion", !view.onion));
  $("onion-opacity").addEventListener("input", () => {
    view.onion = true;
    show();
  });
  change("beside", () => toggle("beside", $("beside").value));
  click("as-side", () => compare("side"));
  click("as-wipe", () => compare("wipe"));
  click("zoom-in", () => viewer.zoom(1.4));
  click("zoom-out", () => viewer.zoom(1 / 1.4));
  click("zoom", () => ($("zoom").textContent === "fit" ? viewer.actual() : viewer.fit()));
  click("play", () => play());
  click("half", halve);
  click("range", () => toggle("range", view.range === "shot" ? "pair" : "shot"));
  click("flip", flip);
  click("cut-here", cutHere);
  click("drawing-here", joinHere);
  click("ribbon-in", () => ribbon.zoom(1.5));
  click("ribbon-out", () => ribbon.zoom(1 / 1.5));
  change("rate", () => edit({ edit: "settings", fps: $("rate").value || null, factor: null }));
  change("model", () => edit({ edit: "model", model: $("model").value }));
  let timer = 0;
  $("scrub").addEventListener("input", () => {
    const value = Number($("scrub").value) / 1000;
    const near = ticks().findIndex((tick) => Math.abs(number(tick.t) - value) < 0.015);
    clearTimeout(timer);
    if (value < 0.005) go(cursor.drawing, 0);
    else if (near >= 0) go(cursor.drawing, near + 1);
    else timer = setTimeout(() => go(cursor.drawing, 0, ratioOf(Math.min(0.99, value), 100)), 60);
  });
}

async function start() {
  document.documentElement.dataset.theme = localStorage.getItem("nakawari-theme") ?? "";
  if (!document.documentElement.dataset.theme) delete document.documentElement.dataset.theme;
  wire();
  keys.help($("keys-list"));
  tools();
  opening.ready(opened);
  rendering.ready(() => ({ project, viewer, stop: `${cursor.drawing + 1}${nowT() ? `-${address(nowT())}` : ""}` }));
  info = await get("state");
  for (const { name, here, summary } of info.models) {
    if (!here) continue;
    $("model").add(new Option(name, name));
    const option = new Option(`with ${name}`, name);
    option.title = summary;
    $("beside").add(option);
  }
  panel = new Panel({ edit, select: (tick) => go(cursor.drawing, tick + 1) }, info.models);
  recents();
  listen(hear, trouble, () => trouble(project?.wrong ?? ""));
  const had = sessionStorage.getItem("nakawari-project");
  if (had && info.projects.some((row) => row.id === had)) await load(had);
  else if (info.first) await opening.go(info.first);
}

start().catch((error) => trouble(error.message));
