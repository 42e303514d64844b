// What is written around the picture: the bar, the tools, where one is, and what is said to a screen reader.

import { pencil } from "./rough.js";
import { cursor, here, nowT, takesHints, ticks, view } from "./state.js";
import { at, number, pretty } from "./time.js";

const $ = (id) => document.getElementById(id);
const RATES = [["", "twice the clip's"], ["24", "24"], ["25", "25"], ["30", "30"], ["48", "48"], ["50", "50"], ["60000/1001", "59.94"], ["60", "60"], ["120", "120"]];

export function tools() {
  const open = Boolean(here.project);
  $("project-name").textContent = open ? here.project.name : "Open…";
  $("project-facts").textContent = open ? facts() : "";
  $("undo").disabled = !here.project?.undo;
  $("redo").disabled = !here.project?.redo;
  for (const id of ["render", "play", "half", "range", "flip", "scrub", "onion", "onion-opacity", "beside", "cut-here", "drawing-here", "rate", "model", "as-side", "as-wipe", "how", "ribbon-in", "ribbon-out", "zoom", "zoom-in", "zoom-out"]) $(id).disabled = !open;
  $("ribbon-head").hidden = !open;
  if (!open) return;
  document.title = `${here.project.name} · nakawari studio`;
  $("onion").setAttribute("aria-pressed", String(view.onion));
  $("rough").hidden = !here.pair?.guide && !view.pencil;
  $("rough").setAttribute("aria-pressed", String(view.rough));
  $("pencil-tools").hidden = !view.pencil;
  $("pencil-draw").setAttribute("aria-pressed", String(!pencil.erasing));
  $("pencil-erase").setAttribute("aria-pressed", String(pencil.erasing));
  $("pencil-undo").disabled = !here.project.undo;
  for (const as of ["side", "wipe"]) $(`as-${as}`).setAttribute("aria-checked", String(Boolean(view.beside) && view.as === as));
  $("beside").value = view.beside;
  $("beside").disabled = Boolean(view.how);
  $("how").value = view.how;
  $("hint-field").hidden = !view.how || !takesHints();
  $("hint").value = view.hint;
  $("scrub").disabled = !ticks().length;
  $("scrub").value = Math.round((nowT() ? number(nowT()) : 0) * 1000);
  $("scrub").setAttribute("aria-valuetext", nowT() ? pretty(nowT()) : "first key");
  $("scrub-ticks").replaceChildren(...ticks().map((tick) => {
    const mark = document.createElement("span");
    mark.style.left = `${number(tick.t) * 100}%`;
    return mark;
  }));
  $("range").textContent = view.range;
  const [first] = here.project.drawings[cursor.drawing];
  const begins = here.project.shots[at(here.project.shots, first)][0] === first;
  $("cut-here").textContent = begins && first ? "Remove cut" : "Cut here";
  $("cut-here").disabled = first === 0;
  $("drawing-here").textContent = "Join";
  $("drawing-here").disabled = begins;
  choose($("rate"), RATES, here.project.settings.fps ?? "");
  $("rate").options[0].textContent = `2× (${Number((2 * number(here.project.source.rate)).toFixed(3))})`;
  $("model").value = here.project.settings.model;
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
  const { width, height, rate, alpha, bits } = here.project.source;
  const fps = Number(number(rate).toFixed(3));
  return `${width}×${height} · ${fps} → ${Number(here.project.settings.rate_number.toFixed(3))} fps${alpha ? " · alpha" : ""}${bits > 8 ? ` · ${bits} bit` : ""}`;
}

export function where() {
  if (!here.project) return;
  const [first] = here.project.drawings[cursor.drawing];
  const t = nowT();
  const parts = [t ? `t = ${pretty(t)}` : `frame ${first}`];
  if (here.pixel) parts.unshift(`${here.pixel.x}, ${here.pixel.y}  ${colour(here.pixel.colour)}`);
  $("where").textContent = parts.join("   ");
}

function colour([r, g, b, alpha]) {
  if (!alpha) return "clear";
  const hex = [r, g, b].map((c) => c.toString(16).padStart(2, "0")).join("");
  return `#${hex}${alpha < 255 ? ` at ${Math.round((alpha / 255) * 100)}%` : ""}`;
}

export function speak() {
  const [first, last, flash, held] = here.project.drawings[cursor.drawing];
  const t = nowT();
  const frames = last - first + 1;
  say(t
    ? `In-between ${cursor.stop ? `${cursor.stop} of ${ticks().length}` : "free"}, at ${pretty(t)}`
    : `Drawing ${cursor.drawing + 1} of ${here.project.drawings.length}, ${frames} frame${frames > 1 ? "s" : ""}${flash ? ", flash" : held ? ", held" : ""}, ${ticks().length} in-betweens`);
}

export function say(words) {
  $("said").textContent = words;
}

export function trouble(words) {
  $("trouble").textContent = words;
  $("trouble").hidden = !words;
}
