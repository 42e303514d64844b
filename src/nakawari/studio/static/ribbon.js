// The timeline: shots, drawings and their durations, holds, cuts. Only what is in sight is in the page.

import { Focus } from "./focus.js";
import { at, nextOf } from "./time.js";

const SMALLEST = 1.5;
const LARGEST = 120;
const USUAL = 64; // pixels of a usual drawing when a clip is opened
const THUMB_FROM = 26; // pixels of a drawing from which its picture is shown

function usualScale({ drawings }) {
  const lengths = drawings.map(([first, last]) => last - first + 1).sort((a, b) => a - b);
  return Math.min(LARGEST, Math.max(SMALLEST, USUAL / lengths[lengths.length >> 1]));
}

export class Ribbon {
  #scroll = document.getElementById("ribbon");
  #inner = document.getElementById("ribbon-inner");
  #list = document.getElementById("ribbon-list");
  #shots = document.getElementById("ribbon-shots");
  #cuts = document.getElementById("ribbon-cuts");
  #ruler = document.getElementById("ribbon-ruler");
  #head = document.getElementById("ribbon-head");
  #scale = 32; // pixels of a frame
  #project = null;
  #selected = 0;
  #queued = false;
  #rows = new Map();
  #focus = new Focus(this.#inner);

  // acts: {select(drawing), removeCut(frame), cadence(shot, value)}
  constructor(pictures, acts) {
    this.pictures = pictures;
    this.acts = acts;
    this.#scroll.addEventListener("scroll", () => this.draw());
    this.#scroll.addEventListener("wheel", (event) => {
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        this.zoom(Math.exp(-event.deltaY * 0.002), event.clientX);
      } else if (!event.shiftKey && Math.abs(event.deltaY) > Math.abs(event.deltaX)) {
        event.preventDefault();
        this.#scroll.scrollLeft += event.deltaY;
      }
    }, { passive: false });
    this.#list.addEventListener("click", (event) => {
      const item = event.target.closest("[data-drawing]");
      if (item) this.acts.select(Number(item.dataset.drawing));
    });
    new ResizeObserver(() => this.draw()).observe(this.#scroll);
  }

  show(project, selected) {
    if (project !== this.#project) this.#forget();
    if (project.id !== this.#project?.id) this.#scale = usualScale(project);
    const moved = project !== this.#project || selected !== this.#selected;
    this.#project = project;
    this.#selected = selected;
    this.#inner.style.width = `${project.frames * this.#scale + 2}px`;
    if (moved) this.#reveal();
    this.draw();
  }

  head(frame) {
    this.#head.style.transform = `translateX(${Math.round(frame * this.#scale)}px)`;
  }

  zoom(factor, clientX = null) {
    if (!this.#project) return;
    const box = this.#scroll.getBoundingClientRect();
    const offset = clientX === null ? box.width / 2 : clientX - box.left;
    const frame = (this.#scroll.scrollLeft + offset) / this.#scale;
    this.#scale = Math.min(LARGEST, Math.max(SMALLEST, this.#scale * factor));
    this.#inner.style.width = `${this.#project.frames * this.#scale + 2}px`;
    this.#scroll.scrollLeft = frame * this.#scale - offset;
    this.#forget();
    this.draw();
    this.acts.zoomed();
  }

  draw() {
    if (this.#queued) return;
    this.#queued = true;
    requestAnimationFrame(() => {
      this.#queued = false;
      if (this.#project) this.#paint();
    });
  }

  #forget() {
    this.#rows.clear();
    this.#list.replaceChildren();
  }

  #reveal() {
    const [first, last] = this.#project.drawings[this.#selected];
    const [left, right] = [first * this.#scale, (last + 1) * this.#scale];
    const { scrollLeft, clientWidth } = this.#scroll;
    if (left < scrollLeft + 40 || right > scrollLeft + clientWidth - 120) {
      this.#scroll.scrollLeft = Math.max(0, left - clientWidth * 0.3);
    }
  }

  #paint() {
    const { drawings, shots, frames } = this.#project;
    const from = Math.max(0, Math.floor((this.#scroll.scrollLeft - 200) / this.#scale));
    const to = Math.min(frames - 1, Math.ceil((this.#scroll.scrollLeft + this.#scroll.clientWidth + 200) / this.#scale));
    this.#paintDrawings(at(drawings, from), at(drawings, to));
    this.#paintShots(at(shots, from), at(shots, to));
    this.#paintRuler(from, to);
  }

  #paintDrawings(from, to) {
    const { drawings } = this.#project;
    for (const [number, row] of this.#rows) {
      if (number < from || number > to) {
        row.remove();
        this.#rows.delete(number);
      }
    }
    const target = nextOf(this.#project, this.#selected);
    for (let number = from; number <= to; number += 1) {
      let row = this.#rows.get(number);
      if (!row) {
        row = this.#drawing(number, drawings[number]);
        this.#rows.set(number, row);
        this.#list.append(row);
      }
      row.setAttribute("aria-selected", String(number === this.#selected));
      row.classList.toggle("target", number === target);
      this.#thumb(row, drawings[number]);
    }
    this.#list.setAttribute("aria-activedescendant", `drawing-${this.#selected}`);
  }

  #drawing(number, [first, last, flash, held, said]) {
    const count = last - first + 1;
    const row = document.createElement("li");
    row.id = `drawing-${number}`;
    row.dataset.drawing = number;
    row.setAttribute("role", "option");
    row.setAttribute("aria-setsize", this.#project.drawings.length);
    row.setAttribute("aria-posinset", number + 1);
    const what = flash ? "a flash" : held ? "held" : "moves";
    const frames = count > 1 ? `frames ${first} to ${last}` : `frame ${first}`;
    row.title = `Drawing ${number + 1}, ${frames}, ${what}${said < 0 ? "" : ", as you said"}`; // its name as well
    row.className = `drawing${held ? " held" : ""}${flash ? " flash" : ""}${said < 0 ? "" : " said"}`;
    row.style.left = `${first * this.#scale}px`;
    row.style.width = `${count * this.#scale}px`;
    const wide = count * this.#scale;
    if (wide >= THUMB_FROM) {
      const canvas = document.createElement("canvas");
      canvas.setAttribute("aria-hidden", "true");
      row.append(canvas);
    }
    if (wide >= 14) {
      const badge = document.createElement("span");
      badge.className = "badge";
      badge.setAttribute("aria-hidden", "true");
      badge.textContent = flash ? `${count}✶` : held ? `${count} hold` : count;
      if (wide < 60 && held) badge.textContent = count;
      row.append(badge);
    }
    return row;
  }

  #thumb(row, [first]) {
    const canvas = row.querySelector("canvas");
    if (!canvas || canvas.dataset.done) return;
    const picture = this.pictures.get(`projects/${this.#project.id}/frames/${first}?size=thumb`);
    if (!picture) return;
    canvas.width = picture.width;
    canvas.height = picture.height;
    row.classList.toggle("wide", row.clientWidth * picture.height > 2.2 * row.clientHeight * picture.width);
    canvas.getContext("2d").drawImage(picture, 0, 0);
    canvas.dataset.done = "yes";
  }

  #paintShots(from, to) {
    const { shots } = this.#project;
    const shown = [];
    const marks = [];
    for (let number = from; number <= to; number += 1) {
      const [first, last, cadence] = shots[number];
      shown.push(this.#shot(number, first, last, cadence));
      if (number > 0) marks.push(this.#cut(first));
    }
    // A list that is open must not be taken away under the hand.
    if (this.#shots.contains(document.activeElement) && this.#shots.dataset.drawn === this.#drawn(from, to)) return;
    this.#shots.dataset.drawn = this.#drawn(from, to);
    this.#focus.around(() => {
      this.#shots.replaceChildren(...shown);
      this.#cuts.replaceChildren(...marks);
    }, { otherwise: this.#list });
  }

  #drawn(from, to) {
    return `${this.#project.revision} ${from} ${to} ${this.#scale}`;
  }

  #shot(number, first, last, cadence) {
    const shot = document.createElement("div");
    shot.className = number ? "shot cut-before" : "shot";
    shot.style.left = `${first * this.#scale}px`;
    shot.style.width = `${(last - first + 1) * this.#scale}px`;
    const name = document.createElement("span");
    name.textContent = `Shot ${number + 1}`;
    const choice = document.createElement("select");
    choice.id = `cadence-${number}`;
    choice.setAttribute("aria-label", `Cadence of shot ${number + 1}`);
    choice.title = "On how many frames it is drawn";
    const words = cadence ? `on ${cadence}s` : "still";
    choice.add(new Option(words, String(cadence), true, true));
    for (const n of [1, 2, 3, 4]) if (n !== cadence) choice.add(new Option(`on ${n}s`, String(n)));
    choice.add(new Option("as it was found", "found"));
    choice.addEventListener("change", () => {
      this.acts.cadence(number, choice.value === "found" ? null : Number(choice.value));
      choice.value = String(cadence); // until it is
    });
    const stays = document.createElement("div");
    stays.className = "stays";
    stays.append(name, choice);
    shot.append(stays);
    return shot;
  }

  #cut(frame) {
    const mark = document.createElement("button");
    mark.className = "cut";
    mark.style.left = `${frame * this.#scale}px`;
    mark.id = `cut-${frame}`;
    mark.setAttribute("aria-label", `Remove the cut before frame ${frame}`);
    mark.addEventListener("click", () => this.acts.removeCut(frame));
    return mark;
  }

  #paintRuler(from, to) {
    const steps = [1, 2, 4, 6, 12, 24, 48, 120, 240, 480, 1200, 2400];
    const step = steps.find((n) => n * this.#scale >= 64) ?? 4800;
    const marks = [];
    for (let frame = Math.ceil(from / step) * step; frame <= to; frame += step) {
      const mark = document.createElement("span");
      mark.style.left = `${frame * this.#scale}px`;
      mark.textContent = frame;
      marks.push(mark);
    }
    this.#ruler.replaceChildren(...marks);
  }
}
