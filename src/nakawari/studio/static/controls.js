// Which key and which button does what; `act` has what the page can do, and does nothing while nothing is open.

const $ = (id) => document.getElementById(id);

export const shortcuts = (act) => [
  [["ArrowRight"], "the next in-between or drawing", () => act.step(1)],
  [["ArrowLeft"], "the one before", () => act.step(-1)],
  [["ArrowDown", "Shift+ArrowRight"], "the next drawing", () => act.leap(1)],
  [["ArrowUp", "Shift+ArrowLeft"], "the drawing before", () => act.leap(-1)],
  [["PageDown"], "the next shot", () => act.jumpShot(1)],
  [["PageUp"], "the shot before", () => act.jumpShot(-1)],
  [["Home"], "the first drawing", () => act.end(false)],
  [["End"], "the last drawing", () => act.end(true)],
  [[","], "a little less t", () => act.nudge(-0.02)],
  [["."], "a little more t", () => act.nudge(0.02)],
  [["Space"], "play, pause", act.play],
  [["Shift+Space"], "half speed", act.halve],
  [["R"], "play the pair or the shot", act.range],
  [["F"], "flip: first key, between, second key", act.flip],
  [["O"], "onion skin", () => act.toggle("onion")],
  [["S"], "side by side", () => act.compare("side")],
  [["W"], "wipe", () => act.compare("wipe")],
  [["X"], "nothing beside", act.alone],
  [["I"], "how it was made: regions, flow, occlusion", act.nextHow],
  [["G"], "show the rough, or hide it", () => act.toggle("rough")],
  [["P"], "draw a rough, or put the pencil down", act.pencil],
  [["Shift+P"], "pencil or eraser", act.eraser],
  [["[", "]"], "a thinner pencil, a thicker one", (event) => act.thick(event.key === "[" ? -1 : 1)],
  [["Shift+G"], "to the rough of this pair", () => act.focus("rough-draw", "rough-choose")],
  [["+", "="], "larger", () => act.zoom(1.4)],
  [["-"], "smaller", () => act.zoom(1 / 1.4)],
  [["0"], "fit", act.fit],
  [["1"], "pixel for pixel", act.actual],
  [["C"], "cut before this drawing, or none", act.cut],
  [["H"], "hold this drawing, or let it move", act.hold],
  [["J"], "join this drawing to the one before", act.join],
  [["D"], "split this drawing", act.split],
  [["Alt+1"], "the shot is on ones", () => act.cadence(1)],
  [["Alt+2"], "on twos", () => act.cadence(2)],
  [["Alt+3"], "on threes", () => act.cadence(3)],
  [["T"], "to the timing chart", () => act.focus("tick-0")],
  [["M"], "to the pair's model", () => act.focus("pair-model")],
  [["K"], "check the in-betweens", act.check],
  [["Ctrl+Z"], "undo", () => act.undo(true)],
  [["Ctrl+Shift+Z", "Ctrl+Y"], "redo", () => act.undo(false)],
  [["Escape"], "put the pencil down; back to the drawings, from wherever one is", act.leave],
  [["E"], "render and save", act.render],
];

// What there is to do before anything is open.
export const always = (act) => [
  [["Ctrl+O"], "open", act.open],
  [["?"], "these keys", act.help],
];

export function buttons(act, always) {
  const click = (id, does) => $(id).addEventListener("click", () => does());
  const change = (id, does) => $(id).addEventListener("change", () => does($(id).value));
  click("open", always.open);
  click("empty-open", always.open);
  click("keys", always.help);
  click("theme", theme);
  for (const dialog of document.querySelectorAll("dialog")) dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  click("undo", () => act.undo(true));
  click("redo", () => act.undo(false));
  click("render", act.render);
  change("rate", (fps) => act.edit({ edit: "settings", fps: fps || null, factor: null }));
  change("model", (model) => act.edit({ edit: "model", model }));

  click("onion", () => act.toggle("onion"));
  click("rough", () => act.toggle("rough"));
  $("onion-opacity").addEventListener("input", () => act.set({ onion: true, opacity: Number($("onion-opacity").value) / 100 }));
  change("beside", (beside) => act.set({ beside }));
  click("as-side", () => act.compare("side"));
  click("as-wipe", () => act.compare("wipe"));
  change("how", (how) => act.set({ how }));
  change("hint", act.hint);
  click("zoom-in", () => act.zoom(1.4));
  click("zoom-out", () => act.zoom(1 / 1.4));
  click("zoom", act.toggleFit);

  click("play", act.play);
  click("half", act.halve);
  click("range", act.range);
  click("flip", act.flip);
  $("scrub").addEventListener("input", () => act.scrub(Number($("scrub").value) / 1000));
  click("cut-here", act.cut);
  click("drawing-here", act.join);
  click("split-here", act.split);
  click("ribbon-in", () => act.widen(1.5));
  click("ribbon-out", () => act.widen(1 / 1.5));
}

const THEME = "nakawari-theme";

function theme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  localStorage.setItem(THEME, document.documentElement.dataset.theme);
}

// The one that was chosen the last time.
export function keptTheme() {
  const kept = localStorage.getItem(THEME);
  if (kept) document.documentElement.dataset.theme = kept;
}
