// The page: what is open, where one is in it, and how it is shown.

import { acts } from "./acts.js";
import { ask, get, listen, post, Trouble } from "./api.js";
import { always, buttons, keptTheme, shortcuts } from "./controls.js";
import * as hints from "./hints.js";
import * as jobs from "./jobs.js";
import { Keys } from "./keys.js";
import * as opening from "./open.js";
import { Panel } from "./panel.js";
import { Pictures } from "./pictures.js";
import { Player } from "./play.js";
import * as rendering from "./render.js";
import { Ribbon } from "./ribbon.js";
import { Rough, pencil } from "./rough.js";
import { base, cursor, framePath, here, mainPath, nowT, scene, slotPath, spare, takesHints, target, ticks, view } from "./state.js";
import { address, at, number, pretty, ratioOf } from "./time.js";
import { Waiting, say, speak, tellEdit } from "./spoken.js";
import { tools, trouble, where } from "./tools.js";
import { Viewer } from "./viewer.js";
import { Way, loadPair } from "./way.js";

const $ = (id) => document.getElementById(id);

let shotSlots = { key: "", slots: [] };
let pending = null; // id of a project that is being looked at

const pictures = new Pictures(() => {
  viewer.draw();
  ribbon.draw();
  note();
});
const rough = new Rough(pictures, {
  edit: (words) => edit(words),
  undo: () => undo(true),
  go: (t) => way.goTo(t),
  show: () => show(),
  paint: () => viewer.draw(),
  say, trouble: (words) => complain(words),
});
const viewer = new Viewer($("canvas"), pictures, {
  pencil: rough,
  zoomed: (scale, now) => {
    $("zoom").textContent = scale ? `${Math.round(now * 100)}%` : "fit";
    $("zoom").setAttribute("aria-label", `Zoom: ${$("zoom").textContent}`);
  },
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
  stopped: (slot) => way.stand(slot),
});
let panel = null;

const way = new Way({
  leave: () => player.stop(),
  arrived: async (other) => {
    if (other) await rough.follow();
    show();
    speak();
  },
  fail: trouble,
});
const go = (...words) => way.go(...words);

// -- what is shown ----------------------------------------------------------------------------------

function show() {
  if (!here.project) return;
  $("empty").hidden = true;
  viewer.show(scene(mainPath(), spare(pictures), () => rough.layer()));
  ribbon.show(here.project, cursor.drawing);
  panel.current = cursor.stop - 1;
  panel.show(here.project, cursor, here.pair);
  tools();
  head();
  where();
  note();
  const t = nowT();
  const drawing = `Drawing ${cursor.drawing + 1}`;
  const seen = t ? `${drawing}, in-between at ${pretty(t)}` : `${drawing}, as it was drawn`;
  const asks = viewer.picking; // arrow keys are for the cross then
  $("canvas").setAttribute("role", asks ? "application" : "img");
  $("canvas").setAttribute("aria-label", asks ? `${seen}. Arrow keys move a cross, Enter ${asks === "pencil" ? "sets a place, Control Enter draws" : "clicks"}` : seen);
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
  const away = view.pencil && nowT() !== view.pencil.t;
  $("canvas-prompt").hidden = !asks && !away;
  $("canvas-prompt").textContent = away ? `The rough shows ${pretty(view.pencil.t)}: draw on there` : asks ? hints.prompt(view.hint, view.half) : "";
  const shown = scene(mainPath());
  const missing = [shown.over, shown.main, shown.beside].find((path) => path && !pictures.get(path));
  const { state, error } = missing ? pictures.state(missing) : { state: "here", error: "" };
  $("canvas-note").hidden = !missing;
  $("canvas-note").textContent = state === "failed" ? error : view.how ? "looking into it…" : "drawing…";
  $("canvas-note").classList.toggle("failed", state === "failed");
  waiting.see(state === "failed" ? null : missing ?? null, $("canvas-note").textContent);
}
const waiting = new Waiting();

const guarded = (act) => async (...words) => {
  try {
    return await act(...words);
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    complain(error.message);
    return null;
  }
};

function complain(words) {
  trouble(words);
  setTimeout(() => trouble(here.project?.wrong ?? ""), 6000);
}

// -- changing it ------------------------------------------------------------------------------------

const take = async (changed) => {
  const frame = here.project && here.project.id === changed.id ? here.project.drawings[cursor.drawing][0] : null;
  const wrong = changed.wrong ?? here.project?.wrong ?? "";
  const taken = { ...changed, wrong };
  here.project = taken;
  trouble(wrong);
  if (frame === null) Object.assign(cursor, { drawing: 0, stop: 0, free: null });
  else cursor.drawing = at(here.project.drawings, frame);
  await loadPair();
  if (here.project !== taken) return; // the next one is here already, and shows where one is
  cursor.stop = Math.min(cursor.stop, ticks().length);
  await rough.follow();
  show();
};

const edit = guarded(async (words) => {
  player.stop();
  try {
    await way.after(post(`${base()}/edits`, words).then(take));
    tellEdit(words);
    return true;
  } catch (error) {
    show(); // as it was: what was chosen does not count
    throw error;
  }
});

const hand = acts(edit);

const undo = guarded(async (back) => {
  await rough.saved();
  if (!here.project || !(back ? here.project.undo : here.project.redo)) return;
  player.stop();
  await way.after(post(`${base()}/${back ? "undo" : "redo"}`).then(take));
  say(back ? "Taken back" : "Done again");
});

// Lets the in-betweens of a pair be looked at for what is wrong.
const check = guarded(async () => {
  if (!here.pair?.ticks.length) return say("Nothing is drawn between here");
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
  say(`Playing the ${view.range}${player.speed === 1 ? "" : " at half speed"}`);
});

function playing() {
  $("play").firstChild.textContent = player.playing ? "❚❚" : "▶";
  $("play").title = player.playing ? "Pause (Space)" : "Play (Space)"; // its name as well
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
    trouble(answer.uploading);
    return;
  }
  pending = answer.id;
  if (!answer.job) load(answer.id);
  else jobs.over(answer.job.id).then(looked); // a short look is over before it is answered
}

function looked({ project, state, result }) {
  if (project !== pending || state !== "done") return;
  pending = null;
  load(result.id);
}

function hear(event) {
  pictures.hear(event);
  if (!event.job) return;
  const words = jobs.hear(event.job);
  if (words) say(words);
  const { name, state, error, title } = event.job;
  if (state === "failed" && name === "draw" && here.pair && event.job.key === here.pair.key) {
    here.pair.refused = error;
    show();
    say(error);
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

const set = (values) => {
  if (values.how || values.beside) rough.putDown();
  Object.assign(view, values);
  show();
};

let scrubbing = 0;
const able = {
  step: way.step, leap: way.leap, jumpShot: way.jumpShot, nudge: way.nudge,
  end: (last) => go(last ? here.project.drawings.length - 1 : 0, 0),
  scrub(value) {
    const near = ticks().findIndex((tick) => Math.abs(number(tick.t) - value) < 0.015);
    clearTimeout(scrubbing);
    if (value < 0.005) go(cursor.drawing, 0);
    else if (near >= 0) go(cursor.drawing, near + 1);
    else scrubbing = setTimeout(() => go(cursor.drawing, 0, ratioOf(Math.min(0.99, value), 100)), 60);
  },
  play: () => play(),
  halve() {
    player.setSpeed(player.speed === 1 ? 0.5 : 1);
    playing();
    say(player.speed === 1 ? "Full speed" : "Half speed");
  },
  range() {
    set({ range: view.range === "shot" ? "pair" : "shot" });
    say(`Played: the ${view.range}`);
  },
  flip() {
    set({ flip: (view.flip + 1) % 4 });
    say(["As it is", "First key", "As it is", "Second key"][view.flip]);
  },
  set,
  toggle(name) {
    set({ [name]: !view[name] });
    say(`${{ onion: "Onion skin", rough: "Rough" }[name]} ${view[name] ? "shown" : "hidden"}`);
  },
  compare(as) {
    set({ as, beside: view.beside || "first" });
    say(`${as === "side" ? "Side by side with" : "Wiped over"} the ${$("beside").selectedOptions[0].textContent}`);
  },
  alone() {
    set({ beside: "" });
    say("Nothing beside");
  },
  nextHow() {
    const kinds = [...$("how").options].map((one) => one.value);
    set({ how: kinds[(kinds.indexOf(view.how) + 1) % kinds.length] });
    say(`How: ${$("how").selectedOptions[0].textContent}`);
  },
  hint(hint) {
    viewer.hand.rest();
    set({ hint, half: null });
    if (hint) say(hints.prompt(hint, null));
  },
  pencil: () => (view.pencil ? rough.putDown() : rough.takeUp()),
  leave: () => (view.pencil ? rough.putDown() : $("ribbon-list").focus()),
  eraser: () => view.pencil && rough.erase(!pencil.erasing),
  thick: (by) => view.pencil && rough.thick(pencil.width + by),
  focus(...ids) {
    const found = ids.map($).find((one) => one?.checkVisibility());
    if (found) found.focus();
    else say("There is none here");
  },
  zoom: (by) => viewer.zoom(by), fit: () => viewer.fit(), actual: () => viewer.actual(), toggleFit: () => viewer.toggleFit(),
  widen: (by) => ribbon.zoom(by),
  ...hand, edit: (words) => edit(words), check: () => check(), undo: (back) => undo(back),
  render: () => rendering.show(here.project, here.info.exports),
};
const act = Object.fromEntries(Object.entries(able).map(([name, does]) => [name, (...words) => here.project && does(...words)]));
const anytime = { open: () => opening.show(), help: () => $("keys-dialog").showModal() };

async function start() {
  keptTheme();
  buttons(act, anytime);
  new Keys([...shortcuts(act), ...always(anytime)]).help($("keys-list"));
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
  panel = new Panel({ edit, select: (tick) => go(cursor.drawing, tick + 1), takesHints, check: () => check(), rough }, here.info.models);
  recents();
  listen(hear, trouble, () => trouble(here.project?.wrong ?? ""));
  const had = sessionStorage.getItem("nakawari-project");
  if (had && here.info.projects.some((row) => row.id === had)) await load(had);
  else if (here.info.first) await opening.go(here.info.first);
  else $("empty-open").focus();
}

start().catch((error) => trouble(error.message));
