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
  #root;
  #pair = null;
  #at = [];

  // acts: {change([[u, t], …] or null), select(tick)}
  constructor(root, acts) {
    this.#root = root;
    this.acts = acts;
  }

  show(pair, current) {
    this.#pair = pair;
    this.#at = pair.ticks.map((tick) => number(tick.t));
    const rail = document.createElement("div");
    rail.className = "rail";
    rail.setAttribute("role", "group");
    rail.setAttribute("aria-label", "Timing chart");
    for (const [index, tick] of pair.ticks.entries()) rail.append(this.#even(tick), this.#tick(index, tick, current));
    const ease = document.createElement("select");
    ease.id = "ease";
    ease.setAttribute("aria-label", "Spacing");
    ease.add(new Option(pair.chart.length ? "own spacing" : "even", "", true, true));
    for (const name of Object.keys(EASES)) if (name !== "even" || pair.chart.length) ease.add(new Option(name, name));
    ease.addEventListener("change", () => {
      if (ease.value === "even") this.acts.change(null);
      else if (ease.value) this.#send(pair.ticks.map((one) => EASES[ease.value](number(one.u))));
    });
    this.#root.replaceChildren(rail, ease);
  }

  #even(tick) {
    const mark = document.createElement("span");
    mark.className = "even";
    mark.style.left = `${number(tick.u) * 100}%`;
    return mark;
  }

  #tick(index, tick, current) {
    const handle = document.createElement("button");
    handle.className = "tick";
    handle.id = `tick-${index}`;
    handle.setAttribute("role", "slider");
    handle.setAttribute("aria-label", `In-between ${index + 1}`);
    handle.setAttribute("aria-valuemin", "0");
    handle.setAttribute("aria-valuemax", "1");
    handle.title = "Drag, or use the arrow keys, to space it otherwise";
    if (index === current) handle.setAttribute("aria-current", "true");
    this.#place(handle, number(tick.t), pretty(tick.t));
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
