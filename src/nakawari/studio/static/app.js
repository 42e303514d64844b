// The page: what is open, where one is in it, and how it is shown.

import { acts } from "./acts.js";
import { ask, get, listen, post, Trouble } from "./api.js";
import * as hints from "./hints.js";
import * as jobs from "./jobs.js";
import { Keys } from "./keys.js";
import * as opening from "./open.js";
import { Panel } from "./panel.js";
import { Pictures } from "./pictures.js";
import { Player } from "./play.js";
import * as rendering from "./render.js";
import { Ribbon } from "./ribbon.js";
import { base, cursor, framePath, here, mainPath, nowT, scene, slotPath, spare, takesHints, target, ticks, view } from "./state.js";
import { address, at, number, pretty, ratioOf } from "./time.js";
import { say, speak, tools, trouble, where } from "./tools.js";
import { Viewer } from "./viewer.js";

const $ = (id) => document.getElementById(id);

let shotSlots = { key: "", slots: [] };
let pending = null; // id of a project that is being looked at

const pictures = new Pictures(() => {
  viewer.draw();
  ribbon.draw();
  note();
});
const viewer = new Viewer($("canvas"), pictures, {
  zoomed: (scale, now) => ($("zoom").textContent = scale ? `${Math.round(now * 100)}%` : "fit"),
  pixel: (found) => (here.pixel = found) !== undefined && where(),
  picked: ({ x, y, pane }) => hintAt([x, y], pane),
  drawn: (line) => hintAt(line.map(({ x, y }) => [x, y]), line[0].pane),
});
const ribbon = new Ribbon(pictures, {
  select: (drawing) => go(drawing, 0),
  removeCut: (frame) => edit({ edit: "cut", frame, there: false }),
  cadence: (shot, cadence) => edit({ edit: "cadence", shot, cadence }),
  zoomed: () => head(),
});
const player = new Player(pictures, {
  picture: (slot) => slotPath(slot),
  show: (slot, missing) => {
    viewer.show(scene(slotPath(slot), framePath(slot.source)));
    ribbon.head(slot.target === null ? slot.source : slot.source + (slot.target - slot.source) * number(slot.t));
    $("canvas-note").hidden = !missing;
    $("canvas-note").textContent = `${missing} still being drawn`;
  },
  stopped: (slot) => stand(slot),
});
let panel = null;

// -- where one is -----------------------------------------------------------------------------------

async function go(drawing, stop, free = null) {
  if (!here.project) return;
  player.stop();
  const other = drawing !== cursor.drawing || !here.pair;
  Object.assign(cursor, { drawing: Math.min(here.project.drawings.length - 1, Math.max(0, drawing)), stop, free });
  view.flip = 0;
  view.half = null;
  if (other) await loadPair();
  cursor.stop = Math.min(cursor.stop, ticks().length);
  show();
  speak();
}

async function loadPair() {
  const wanted = target();
  here.pair = null;
  if (wanted === null) return;
  const revision = here.project.revision;
  const found = await get(`${base()}/pairs/${wanted}`);
  if (here.project.revision === revision && target() === wanted) here.pair = found;
}

// Steps wait for each other: where the next one leads is known when the pair is.
let steps = Promise.resolve();
const inTurn = (act) => (...words) => {
  steps = steps.then(() => here.project && act(...words)).catch((error) => trouble(error.message));
};

const step = inTurn(async (by) => {
  cursor.free = null;
  const stop = cursor.stop + by;
  if (stop < 0) {
    const before = cursor.drawing - 1;
    if (before < 0) return;
    await go(before, 0);
    await go(before, ticks().length);
  } else if (stop > ticks().length) {
    if (cursor.drawing + 1 < here.project.drawings.length) await go(cursor.drawing + 1, 0);
  } else {
    await go(cursor.drawing, stop);
  }
});
const leap = inTurn((by) => go(cursor.drawing + by, 0));

const jumpShot = inTurn(async (by) => {
  const shot = at(here.project.shots, here.project.drawings[cursor.drawing][0]) + by;
  if (shot >= 0 && shot < here.project.shots.length) await go(at(here.project.drawings, here.project.shots[shot][0]), 0);
});

const nudge = inTurn(async (by) => {
  if (!here.pair?.ticks.length) return;
  const t = Math.min(0.99, Math.max(0.01, (nowT() ? number(nowT()) : 0) + by));
  await go(cursor.drawing, 0, ratioOf(t, 100));
});

// The stop that an output frame is.
function stand(slot) {
  if (!slot) return;
  if (slot.target === null) return void go(at(here.project.drawings, slot.source), 0);
  go(at(here.project.drawings, slot.source), 0).then(() => {
    const tick = ticks().findIndex((one) => one.t === slot.t);
    if (tick >= 0) go(cursor.drawing, tick + 1);
  });
}

// -- what is shown ----------------------------------------------------------------------------------

function show() {
  if (!here.project) return;
  $("empty").hidden = true;
  viewer.show(scene(mainPath(), spare(pictures)));
  ribbon.show(here.project, cursor.drawing);
  panel.current = cursor.stop - 1;
  panel.show(here.project, cursor, here.pair);
  tools();
  head();
  where();
  note();
  const t = nowT();
  const drawing = `Drawing ${cursor.drawing + 1}`;
  $("canvas").setAttribute("aria-label", t ? `${drawing}, in-between at ${pretty(t)}` : `${drawing}, as it was drawn`);
}

function head() {
  if (!here.project) return;
  const [first] = here.project.drawings[cursor.drawing];
  const t = nowT();
  const second = target();
  const source = here.pair?.source ?? first;
  ribbon.head(t && second !== null ? source + (second - source) * number(t) : first);
}

// What keeps the picture from being there.
function note() {
  if (!here.project || player.playing) return;
  const asks = view.how && view.hint && takesHints();
  $("canvas-prompt").hidden = !asks;
  $("canvas-prompt").textContent = asks ? hints.prompt(view.hint, view.half) : "";
  const shown = scene(mainPath());
  const missing = [shown.over, shown.main, shown.beside].find((path) => path && !pictures.get(path));
  const { state, error } = missing ? pictures.state(missing) : { state: "here", error: "" };
  $("canvas-note").hidden = !missing;
  $("canvas-note").textContent = state === "failed" ? error : view.how ? "looking into it…" : "drawing…";
  $("canvas-note").classList.toggle("failed", state === "failed");
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
  const frame = here.project && here.project.id === changed.id ? here.project.drawings[cursor.drawing][0] : null;
  const wrong = changed.wrong ?? here.project?.wrong ?? "";
  here.project = { ...changed, wrong };
  trouble(wrong);
  if (frame === null) Object.assign(cursor, { drawing: 0, stop: 0, free: null });
  else cursor.drawing = at(here.project.drawings, frame);
  here.pair = null;
  await loadPair();
  cursor.stop = Math.min(cursor.stop, ticks().length);
  show();
};

const edit = guarded(async (words) => {
  player.stop();
  await take(await post(`${base()}/edits`, words));
});

const hand = acts(edit);

const undo = guarded(async (back) => {
  if (!here.project || !(back ? here.project.undo : here.project.redo)) return;
  player.stop();
  await take(await post(`${base()}/${back ? "undo" : "redo"}`));
  say(back ? "Taken back" : "Done again");
});

// Lets the in-betweens of a pair be looked at for what is wrong.
const check = guarded(async () => {
  if (!here.pair?.ticks.length) return;
  const asked = here.pair;
  for (;;) {
    const answer = await ask("GET", `${base()}/pairs/${asked.target}/check?k=${asked.key}`);
    if (answer.status === 200) {
      asked.check = await answer.json();
      const flagged = asked.check.drawings.filter((one) => one.flags.length).length;
      say(flagged ? `${flagged} of ${asked.check.drawings.length} in-betweens have flags` : "Nothing wrong was found");
      if (here.pair === asked) show();
      return;
    }
    const job = await jobs.over((await answer.json()).job.id);
    if (job.state === "failed") throw new Trouble(job.error);
    if (job.state === "cancelled") return;
  }
});

// A click on a key, or a line along it, while they mean something.
function hintAt(place, pane) {
  if (!view.how || !view.hint || !here.pair?.key || !takesHints()) return;
  const next = hints.clicked(view.hint, view.half, place, pane);
  view.half = next.half;
  say(next.words);
  if (next.hint) edit({ edit: "hints", frame: here.pair.target, hints: [...here.pair.hints, next.hint] });
  else show();
}

// -- playing ----------------------------------------------------------------------------------------

const play = guarded(async () => {
  if (!here.project) return;
  if (player.playing) {
    player.stop();
    playing();
    return;
  }
  const [first] = here.project.drawings[cursor.drawing];
  const shot = at(here.project.shots, first);
  const key = `${here.project.id} ${here.project.revision} ${shot}`;
  if (shotSlots.key !== key) shotSlots = { key, ...(await get(`${base()}/shots/${shot}`)) };
  let slots = shotSlots.slots;
  const end = target();
  if (view.range === "pair" && end !== null) {
    slots = slots.filter((slot) => slot.target === end || (slot.target === null && slot.source >= first && slot.source <= end));
  }
  const from = Math.max(0, slots.findIndex((slot) => slot.source >= first && (slot.target ?? end) === end));
  player.start(slots, here.project.settings.rate_number, view.range === "pair" ? 0 : from);
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
  here.project = null;
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
  if (state === "failed" && (name === "look" || name === "render")) trouble(`${title}: ${error}`);
  if (name === "render" && state === "done") trouble("");
}

function recents() {
  $("recent").replaceChildren(...here.info.projects.slice(0, 8).map((row) => {
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

const flip = () => here.project && toggle("flip", (view.flip + 1) % 4);
const compare = (as) => {
  view.as = as;
  if (!view.beside) view.beside = "first";
  show();
};
const nextHow = () => {
  const kinds = [...$("how").options].map((one) => one.value);
  toggle("how", kinds[(kinds.indexOf(view.how) + 1) % kinds.length]);
};
const keys = new Keys([
  [["ArrowRight"], "the next in-between or drawing", () => step(1)],
  [["ArrowLeft"], "the one before", () => step(-1)],
  [["ArrowDown", "Shift+ArrowRight"], "the next drawing", () => leap(1)],
  [["ArrowUp", "Shift+ArrowLeft"], "the drawing before", () => leap(-1)],
  [["PageDown"], "the next shot", () => jumpShot(1)],
  [["PageUp"], "the shot before", () => jumpShot(-1)],
  [["Home"], "the first drawing", () => go(0, 0)],
  [["End"], "the last drawing", () => here.project && go(here.project.drawings.length - 1, 0)],
  [[","], "a little less t", () => nudge(-0.02)],
  [["."], "a little more t", () => nudge(0.02)],
  [["Space"], "play, pause", () => play()],
  [["Shift+Space"], "half speed", () => halve()],
  [["R"], "play the pair or the shot", () => toggle("range", view.range === "shot" ? "pair" : "shot")],
  [["F"], "flip: first key, between, second key", () => flip()],
  [["O"], "onion skin", () => here.project && toggle("onion", !view.onion)],
  [["S"], "side by side", () => here.project && compare("side")],
  [["W"], "wipe", () => here.project && compare("wipe")],
  [["X"], "nothing beside", () => here.project && toggle("beside", "")],
  [["I"], "how it was made: regions, flow, occlusion", () => here.project && nextHow()],
  [["+", "="], "larger", () => viewer.zoom(1.4)],
  [["-"], "smaller", () => viewer.zoom(1 / 1.4)],
  [["0"], "fit", () => viewer.fit()],
  [["1"], "pixel for pixel", () => viewer.actual()],
  [["C"], "cut before this drawing, or none", () => here.project && hand.cut()],
  [["H"], "hold this drawing, or let it move", () => here.project && hand.hold()],
  [["J"], "join this drawing to the one before", () => here.project && hand.join()],
  [["D"], "split this drawing", () => here.project && hand.split()],
  [["Alt+1"], "the shot is on ones", () => here.project && hand.cadence(1)],
  [["Alt+2"], "on twos", () => here.project && hand.cadence(2)],
  [["Alt+3"], "on threes", () => here.project && hand.cadence(3)],
  [["T"], "to the timing chart", () => document.querySelector(".tick")?.focus()],
  [["M"], "to the pair's model", () => $("pair-model")?.focus()],
  [["K"], "check the in-betweens", () => here.project && check()],
  [["Ctrl+Z"], "undo", () => undo(true)],
  [["Ctrl+Shift+Z", "Ctrl+Y"], "redo", () => undo(false)],
  [["E"], "render and save", () => here.project && rendering.show(here.project, here.info.exports)],
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
  click("render", () => rendering.show(here.project, here.info.exports));
  click("theme", theme);
  click("keys", () => $("keys-dialog").showModal());
  click("onion", () => toggle("onion", !view.onion));
  $("onion-opacity").addEventListener("input", () => {
    view.onion = true;
    view.opacity = Number($("onion-opacity").value) / 100;
    show();
  });
  change("how", () => toggle("how", $("how").value));
  change("hint", () => {
    view.half = null;
    viewer.hand.rest();
    toggle("hint", $("hint").value);
    if (view.hint) say(hints.prompt(view.hint, null));
  });
  change("beside", () => toggle("beside", $("beside").value));
  click("as-side", () => compare("side"));
  click("as-wipe", () => compare("wipe"));
  click("zoom-in", () => viewer.zoom(1.4));
  click("zoom-out", () => viewer.zoom(1 / 1.4));
  click("zoom", () => (viewer.toggleFit()));
  click("play", () => play());
  click("half", halve);
  click("range", () => toggle("range", view.range === "shot" ? "pair" : "shot"));
  click("flip", flip);
  click("cut-here", hand.cut);
  click("drawing-here", hand.join);
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
  rendering.ready(() => ({ project: here.project, viewer, stop: `${cursor.drawing + 1}${nowT() ? `-${address(nowT())}` : ""}` }));
  here.info = await get("state");
  for (const row of here.info.models.filter((one) => one.here)) {
    $("model").add(new Option(row.name, row.name));
    const option = new Option(`with ${row.name}`, row.name);
    option.title = row.summary;
    $("beside").add(option);
  }
  panel = new Panel({ edit, select: (tick) => go(cursor.drawing, tick + 1), takesHints, check: () => check() }, here.info.models);
  recents();
  listen(hear, trouble, () => trouble(here.project?.wrong ?? ""));
  const had = sessionStorage.getItem("nakawari-project");
  if (had && here.info.projects.some((row) => row.id === had)) await load(had);
  else if (here.info.first) await opening.go(here.info.first);
}

start().catch((error) => trouble(error.message));
