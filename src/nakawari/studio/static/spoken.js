// What is said to a screen reader: politely, one thing after the other.

import { cursor, here, nowT, ticks } from "./state.js";
import { number, pretty } from "./time.js";

const said = document.getElementById("said");

export function say(words) {
  said.textContent = words === said.textContent ? `${words}\u00a0` : words; // the same again is said again
}

const count = (n, one) => `${n} ${one}${n === 1 ? "" : "s"}`;

// Where one is. The list of drawings says by itself which one is chosen, while it has the focus.
export function speak() {
  const [first, last, flash, held] = here.project.drawings[cursor.drawing];
  const t = nowT();
  if (t) say(`In-between ${cursor.stop ? `${cursor.stop} of ${ticks().length}, ` : ""}at ${pretty(t)}`);
  else if (document.activeElement?.id !== "ribbon-list") {
    const what = flash ? ", flash" : held ? ", held" : "";
    say(`Drawing ${cursor.drawing + 1} of ${here.project.drawings.length}, ${count(last - first + 1, "frame")}${what}, ${count(ticks().length, "in-between")}`);
  }
}

// What an edit did.
const EDITS = {
  cut: ({ frame, there }) => (there ? `Cut before frame ${frame}` : `No cut before frame ${frame}`),
  drawing: ({ frame, there }) => (there ? `A drawing begins at frame ${frame}` : `Frame ${frame} belongs to the drawing before`),
  cadence: ({ shot, cadence }) => `Shot ${shot + 1} is ${cadence ? `on ${cadence}s` : "as it was found"}`,
  hold: ({ held }) => (held === null ? "Held or moving by rule" : held ? "Held until just before the next" : "Moves all the time it is shown"),
  chart: ({ chart }) => (chart ? `Spaced at ${chart.map(([, t]) => pretty(t)).join(", ")}` : "Spaced evenly"),
  model: ({ frame, model }) => (frame === undefined ? `The clip is drawn with ${model}` : model ? `This pair is drawn with ${model}` : "This pair is drawn as the clip is"),
  hints: ({ hints }) => (hints ? count(hints.length, "hint") : "No hints"),
  guide: ({ guide }) => (guide ? `The rough is of ${pretty(guide.t)}` : "No rough"),
  settings: ({ fps }) => (fps ? `${Number(number(fps).toFixed(3))} frames a second` : "Twice the frames of the clip"),
};
export const tellEdit = (words) => say(EDITS[words.edit](words));

// Says that the picture is being drawn, where that takes a while, and then that it is there.
export class Waiting {
  #path = null;
  #timer = 0;
  #told = false;

  // path: of the picture that is missing; null: none is
  see(path, words) {
    if (path === this.#path) return;
    clearTimeout(this.#timer);
    if (!path && this.#told) say("Drawn");
    if (!path) this.#told = false;
    this.#path = path;
    if (!path || this.#told) return;
    this.#timer = setTimeout(() => {
      this.#told = true;
      say(words);
    }, 700);
  }
}

