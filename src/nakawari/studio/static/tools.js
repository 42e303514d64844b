// What is written around the picture: the bar, the tools, and where one is.

import { pencil } from "./rough.js";
import { cursor, here, nowT, takesHints, ticks, view } from "./state.js";
import { at, number, pretty } from "./time.js";

const $ = (id) => document.getElementById(id);
const RATES = [["", "twice the clip's"], ["24", "24"], ["25", "25"], ["30", "30"], ["48", "48"], ["50", "50"], ["60000/1001", "59.94"], ["60", "60"], ["120", "120"]];

export function tools() {
  const open = Boolean(here.project);
  $("project-name").textContent = open ? here.project.name : "Open…";
  $("project-facts").textContent = open ? facts() : "";
  able("undo", here.project?.undo);
  able("redo", here.project?.redo);
  for (const id of ["render", "play", "half", "range", "flip", "scrub", "onion", "onion-opacity", "beside", "rate", "model", "as-side", "as-wipe", "how", "ribbon-in", "ribbon-out", "zoom", "zoom-in", "zoom-out"]) $(id).disabled = !open;
  for (const id of ["cut-here", "drawing-here", "split-here"]) able(id, open);
  $("ribbon-head").hidden = !open;
  choose($("rate"), RATES, here.project?.settings.fps ?? "");
  if (!open) return;
  document.title = `${here.project.name} · nakawari studio`;
  $("onion").setAttribute("aria-pressed", String(view.onion));
  $("rough").hidden = !view.pencil && !(here.pair?.guide && takesHints());
  $("rough").setAttribute("aria-pressed", String(view.rough));
  $("pencil-tools").hidden = !view.pencil;
  $("pencil-draw").setAttribute("aria-pressed", String(!pencil.erasing));
  $("pencil-erase").setAttribute("aria-pressed", String(pencil.erasing));
  able("pencil-undo", here.project.undo);
  for (const as of ["side", "wipe"]) $(`as-${as}`).setAttribute("aria-pressed", String(Boolean(view.beside) && view.as === as));
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
  $("range").setAttribute("aria-label", `Played: the ${view.range}`);
  const [first] = here.project.drawings[cursor.drawing];
  const begins = here.project.shots[at(here.project.shots, first)][0] === first;
  $("cut-here").textContent = begins && first ? "Remove cut" : "Cut here";
  able("cut-here", first > 0);
  able("drawing-here", !begins);
  const [, last] = here.project.drawings[cursor.drawing];
  able("split-here", last > first);
  $("rate").options[0].textContent = `2× (${Number((2 * number(here.project.source.rate)).toFixed(3))})`;
  $("model").value = here.project.settings.model;
}

// What may be done now. It keeps the focus where it may not: what is disabled would lose it.
function able(id, is) {
  $(id).setAttribute("aria-disabled", String(!is));
}

document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[aria-disabled=true]")) return;
  event.preventDefault();
  event.stopPropagation();
}, { capture: true });

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

export function trouble(words) {
  $("trouble").textContent = words;
  $("trouble").hidden = !words;
}
