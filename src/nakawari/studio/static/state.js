// What is open, where one is in it, how it is shown, and the addresses of the pictures that follow from it.

import * as hints from "./hints.js";
import { address, nextOf, number, pretty } from "./time.js";

export const here = {
  info: null, // of the studio
  project: null,
  pair: null, // from the drawing where one is to the next; null until it is known
  pixel: null, // under the pointer
};
export const cursor = { drawing: 0, stop: 0, free: null }; // stop 0: the drawing; free: another t than the chart's
// `half`: the first place of a hint that wants two; `rough`: the rough is seen; `pencil`: {target, t} of the rough that is being drawn
export const view = {
  onion: false, opacity: 0.45, beside: "", as: "side", how: "", hint: "", half: null, flip: 0, range: "shot", rough: true, pencil: null,
};

export const takesHints = () => {
  const model = here.pair?.model ?? here.project.settings.model;
  return Boolean(here.info.models.find((row) => row.name === model)?.hints);
};
export const ticks = () => here.pair?.ticks ?? [];
export const nowT = () => cursor.free ?? (cursor.stop ? ticks()[cursor.stop - 1]?.t : null) ?? null;
export const target = () => {
  const next = nextOf(here.project, cursor.drawing);
  return next < 0 ? null : here.project.drawings[next][0];
};

// -- addresses of pictures --------------------------------------------------------------------------

export const base = () => `projects/${here.project.id}`;
export const framePath = (frame) => `${base()}/frames/${frame}`;

export function betweenPath(target, t, key, model = "") {
  const words = new URLSearchParams({ k: key });
  if (model) words.set("model", model);
  return `${base()}/pairs/${target}/at/${address(t)}?${words}`;
}

export const howPath = (kind, side) => `${base()}/pairs/${target()}/how/${kind}/${side}?k=${here.pair.key}`;

// Of an output frame.
export function slotPath(slot) {
  return slot.target === null ? framePath(slot.source) : betweenPath(slot.target, slot.t, slot.key);
}

// `rough`: gives the layer with the rough of the pair, or null.
export function scene(main, spare = null, rough = null) {
  const { width, height, aspect, alpha } = here.project.source;
  const [first] = here.project.drawings[cursor.drawing];
  const second = target();
  const keys = { first: framePath(here.pair?.source ?? first), second: second === null ? null : framePath(second) };
  const t = nowT();
  let beside = null;
  let besideWords = "";
  if (view.beside === "first" || view.beside === "second") {
    beside = keys[view.beside];
    besideWords = view.beside === "first" ? "first key" : "second key";
  } else if (view.beside && second !== null) {
    besideWords = view.beside;
    beside = t && here.pair ? betweenPath(second, t, here.pair.key, view.beside) : keys.first;
  }
  const words = t && here.pair ? `${pretty(t)} · ${here.pair.model}` : "key";
  if (view.how && here.pair?.key) {
    return {
      width, height, aspect, alpha, main: keys.first, beside: keys.second, as: "side",
      over: howPath(view.how, 0), besideOver: howPath(view.how, 1), overOpacity: 0.75,
      marks: hints.marks(here.pair.hints, view.half), picking: view.hint, sketchColour: hints.COLOURS[view.hint],
      labels: [`first key · ${view.how} of ${here.pair.model}`, "second key"],
    };
  }
  if (view.pencil) {
    const at = t === view.pencil.t;
    return {
      width, height, aspect, alpha, main, spare, beside: null, as: view.as, onion: keys, opacity: Math.max(0.6, view.opacity),
      rough, veil: 0.6, picking: at ? "pencil" : "", labels: [words, ""],
    };
  }
  return {
    width, height, aspect, alpha, main, spare, beside, as: view.as, rough,
    onion: view.onion ? keys : null,
    opacity: view.opacity,
    labels: [words, besideWords],
  };
}

export function mainPath() {
  const [first] = here.project.drawings[cursor.drawing];
  const second = target();
  const flipped = ["", "first", "", "second"][view.flip];
  if (flipped === "first") return framePath(here.pair?.source ?? first);
  if (flipped === "second" && second !== null) return framePath(second);
  const t = nowT();
  return t && second !== null && here.pair ? betweenPath(second, t, here.pair.key) : framePath(first);
}

export function spare(pictures) {
  const t = nowT();
  const second = target();
  if (!t || second === null || !here.pair) return null;
  const near = [...ticks()].sort((a, b) => Math.abs(number(a.t) - number(t)) - Math.abs(number(b.t) - number(t)));
  for (const tick of near) {
    const path = betweenPath(second, tick.t, here.pair.key);
    if (pictures.has(path)) return path;
  }
  return framePath(here.pair?.source ?? here.project.drawings[cursor.drawing][0]);
}
