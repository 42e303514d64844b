// The timing chart of a pair: a rail from key to key, with a tick for each in-between that can be dragged.

import { number, pretty, ratioOf } from "./time.js";

const PARTS = 240;
const EASES = {
  even: (u) => u,
  "slow in": (u) => u * u,
  "slow out": (u) => 1 - (1 - u) ** 2,
  "slow in and out": (u) => u * u * (3 - 2 * u),
  "favour the first": (u) => u * 0.7,
  "favour the second": (u) => 1 - (1 - u) * 0.7,
};

export class Chart {
  #rail = document.createElement("div");
  #ease = document.createElement("select");
  #handles = [];
  #pair = null;
  #at = [];

  // acts: {change([[u, t], …] or null), select(tick)}
  constructor(root, acts) {
    this.acts = acts;
    this.#rail.className = "rail";
    this.#rail.setAttribute("role", "group");
    this.#rail.setAttribute("aria-label", "Timing chart");
    this.#ease.id = "ease";
    this.#ease.setAttribute("aria-label", "Spacing");
    this.#ease.addEventListener("change", () => {
      const name = this.#ease.value;
      if (name === "even") acts.change(null);
      else if (name) this.#send(this.#pair.ticks.map((one) => EASES[name](number(one.u))));
    });
    root.replaceChildren(this.#rail, this.#ease);
  }

  // Handles stay the same as long as there are as many: whoever has one in hand, or in the ear, keeps it.
  show(pair, current) {
    this.#pair = pair;
    this.#at = pair.ticks.map((tick) => number(tick.t));
    if (this.#handles.length !== pair.ticks.length) this.#handles = pair.ticks.map((_, index) => this.#handle(index));
    const marks = pair.ticks.map((tick) => this.#even(tick));
    for (const old of this.#rail.querySelectorAll(".even")) old.remove();
    this.#rail.prepend(...marks);
    if (this.#rail.querySelectorAll(".tick").length !== this.#handles.length || !this.#rail.contains(this.#handles[0])) {
      this.#rail.replaceChildren(...marks, ...this.#handles);
    }
    for (const [index, handle] of this.#handles.entries()) {
      this.#place(handle, this.#at[index], pretty(pair.ticks[index].t));
      if (index === current) handle.setAttribute("aria-current", "true");
      else handle.removeAttribute("aria-current");
    }
    const own = Boolean(pair.chart.length);
    const words = [[own ? "own spacing" : "even", ""], ...Object.keys(EASES).filter((name) => name !== "even" || own).map((name) => [name, name])];
    if (this.#ease.options[0]?.text !== words[0][0]) this.#ease.replaceChildren(...words.map(([text, value]) => new Option(text, value)));
    this.#ease.value = "";
  }

  #even(tick) {
    const mark = document.createElement("span");
    mark.className = "even";
    mark.style.left = `${number(tick.u) * 100}%`;
    return mark;
  }

  #handle(index) {
    const handle = document.createElement("button");
    handle.className = "tick";
    handle.id = `tick-${index}`;
    handle.setAttribute("role", "slider");
    handle.setAttribute("aria-label", `In-between ${index + 1}`);
    handle.setAttribute("aria-valuemin", "0");
    handle.setAttribute("aria-valuemax", "1");
    handle.title = "Drag, or use the arrow keys, to space it otherwise";
    handle.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      handle.focus();
      handle.setPointerCapture(event.pointerId);
      const box = handle.parentElement.getBoundingClientRect();
      let moved = false;
      const move = (step) => {
        if (!moved && Math.abs(step.clientX - event.clientX) < 3) return;
        moved = true;
        this.#move(handle, index, (step.clientX - box.left) / box.width);
      };
      handle.addEventListener("pointermove", move);
      handle.addEventListener("lostpointercapture", () => {
        handle.removeEventListener("pointermove", move);
        if (moved) this.#send(this.#at);
        else this.acts.select(index);
      }, { once: true });
    });
    handle.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      this.#move(handle, index, this.#at[index] + (step * (event.shiftKey ? 12 : 4)) / PARTS);
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.#send(this.#at), 350);
    });
    return handle;
  }

  #move(handle, index, wanted) {
    const low = (this.#at[index - 1] ?? 0) + 1 / PARTS;
    const high = (this.#at[index + 1] ?? 1) - 1 / PARTS;
    this.#at[index] = Math.min(high, Math.max(low, Math.round(wanted * PARTS) / PARTS));
    this.#place(handle, this.#at[index], pretty(ratioOf(this.#at[index], PARTS)));
  }

  #place(handle, value, words) {
    handle.style.left = `${value * 100}%`;
    handle.setAttribute("aria-valuenow", value.toFixed(3));
    handle.setAttribute("aria-valuetext", words);
    handle.textContent = words;
  }

  #send(values) {
    this.acts.change(this.#pair.ticks.map((tick, index) => [tick.u, ratioOf(values[index], PARTS)]));
  }
}
