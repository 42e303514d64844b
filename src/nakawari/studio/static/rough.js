// The rough of a pair: chosen as a file, or drawn with the pencil; each line is kept as soon as it is drawn.

import { ask } from "./api.js";
import * as jobs from "./jobs.js";
import { Pencil, inked } from "./pencil.js";
import { base, here, nowT, takesHints, target, ticks, view } from "./state.js";
import { address, number, pretty } from "./time.js";

const $ = (id) => document.getElementById(id);
export const pencil = new Pencil();

export class Rough {
  #saving = Promise.resolve();
  #waiting = 0; // lines that are not kept yet
  #holds = null; // the picture that the pencil's paper shows

  // acts: {edit(words), go(t), show(), undo(), say(words), trouble(words)}
  constructor(pictures, acts) {
    this.pictures = pictures;
    this.acts = acts;
    for (const [id, act] of [
      ["pencil-draw", () => this.erase(false)],
      ["pencil-erase", () => this.erase(true)],
      ["pencil-undo", () => acts.undo()],
      ["pencil-clear", () => this.clear()],
      ["pencil-done", () => this.putDown()],
    ]) $(id).addEventListener("click", act);
    $("pencil-width").addEventListener("input", () => this.thick(Number($("pencil-width").value)));
    $("rough-file").addEventListener("change", () => {
      const [file] = $("rough-file").files;
      $("rough-file").value = "";
      if (file) this.take(file);
    });
  }

  // Of the pencil, or of the eraser, in pixels of the picture.
  get size() {
    return pencil.size;
  }

  get possible() {
    return Boolean(here.pair?.key && ticks().length && takesHints());
  }

  // Its time: the rough's own, else the one that is shown, else the middle.
  get t() {
    return here.pair?.guide?.t ?? nowT() ?? "1/2";
  }

  // What is laid over the picture; null: nothing.
  layer() {
    if (!view.rough || !here.pair || !takesHints()) return null;
    if (view.pencil) return pencil.layer;
    const picture = here.pair.guide && this.pictures.get(this.#path(here.pair.guide.picture));
    return picture ? inked(picture) : null;
  }

  // -- as a file -----------------------------------------------------------------------------------

  choose() {
    if (this.possible) $("rough-file").click();
  }

  async take(file) {
    if (!this.possible) return;
    const [t, frame] = [this.t, target()];
    this.acts.say(`Reading ${file.name}`);
    const picture = await this.#send(file, file.name, frame, t, false);
    if (!picture) return;
    view.rough = true;
    if (await this.acts.edit({ edit: "guide", frame, guide: { picture, t } })) this.acts.say(`The rough at ${pretty(t)} is followed`);
  }

  move(t) {
    this.acts.edit({ edit: "guide", frame: target(), guide: { ...here.pair.guide, t } });
  }

  async remove() {
    await this.saved();
    if (await this.acts.edit({ edit: "guide", frame: target(), guide: null })) this.acts.say("The rough is removed");
  }

  // -- drawn ---------------------------------------------------------------------------------------

  async takeUp() {
    if (!this.possible) {
      const able = here.info.models.filter((row) => row.hints && row.here).map((row) => row.name);
      const why = !ticks().length ? "nothing is drawn between here" : takesHints() ? "it is not known yet" : `choose the model ${able.join(" or ")} for it`;
      this.acts.trouble(`This pair follows no rough: ${why}.`);
      return;
    }
    const t = this.t;
    Object.assign(view, { pencil: { target: target(), t }, rough: true, how: "", beside: "", flip: 0 });
    const { width, height } = here.project.source;
    const widest = Math.max(6, Math.round(height * 0.012));
    $("pencil-width").max = widest;
    if (pencil.width > widest || !$("pencil-width").dataset.set) this.thick(Math.max(2, Math.round(height / 360)));
    pencil.load({ width, height });
    this.#holds = null;
    await this.acts.go(t);
    await this.follow();
    $("canvas").focus();
    this.acts.say(`Pencil. Draw what is there at ${pretty(t)}. Escape puts it down`);
  }

  putDown() {
    if (!view.pencil) return;
    if (pencil.end()) this.#keep();
    const inside = $("pencil-tools").contains(document.activeElement);
    view.pencil = null;
    this.acts.show();
    if (inside) ($("rough-draw") ?? $("canvas")).focus();
    this.acts.say("The pencil is put down");
  }

  erase(erasing) {
    pencil.erasing = erasing;
    this.acts.show();
    this.acts.say(erasing ? "Eraser" : "Pencil");
  }

  thick(width) {
    pencil.width = Math.min(Number($("pencil-width").max), Math.max(1, width));
    $("pencil-width").dataset.set = "yes";
    $("pencil-width").value = pencil.width;
    $("pencil-width").setAttribute("aria-valuetext", `${pencil.width} pixels`);
    if (view.pencil) this.acts.show();
  }

  begin(place, pressure, erasing) {
    pencil.begin(place, pressure, erasing);
    this.acts.paint();
  }

  to(place, pressure) {
    pencil.to(place, pressure);
    this.acts.paint();
  }

  end() {
    if (!pencil.end()) return;
    this.acts.paint();
    this.#keep();
  }

  // A line from the keyboard, from place to place.
  line(places) {
    const [first, ...rest] = places.map(({ x, y }) => ({ x: x + 0.5, y: y + 0.5 }));
    pencil.begin(first, 0.5);
    for (const place of rest) pencil.to(place, 0.5);
    this.end();
    this.acts.say("The line is drawn");
  }

  async clear() {
    if (!here.pair?.guide && !this.#waiting) return;
    await this.saved();
    pencil.load(here.project.source);
    this.#holds = null;
    if (await this.acts.edit({ edit: "guide", frame: view.pencil.target, guide: null })) this.acts.say("All lines are gone; undo brings them back");
  }

  // All lines that were drawn are kept.
  saved() {
    return this.#saving;
  }

  // The paper shows what the project has, also after undo. Called when a pair was loaded.
  async follow() {
    if (!view.pencil || this.#waiting) return;
    if (view.pencil.target !== target() || !this.possible) {
      this.putDown();
      return;
    }
    const guide = here.pair.guide;
    if (guide) view.pencil.t = guide.t;
    const wanted = guide?.picture ?? null;
    if (wanted === this.#holds) return;
    const picture = wanted && (await this.pictures.once(this.#path(wanted)));
    if (!view.pencil || this.#waiting || pencil.drawing) return;
    pencil.load(here.project.source, picture);
    this.#holds = wanted;
    this.acts.show();
  }

  #keep() {
    const { target: frame, t } = view.pencil;
    const drawn = pencil.toBlob();
    this.#waiting += 1;
    this.#saving = this.#saving.then(async () => {
      const picture = await this.#send(await drawn, "drawn.png", frame, t, true);
      this.#waiting -= 1;
      if (!picture) return;
      this.#holds = picture;
      await this.acts.edit({ edit: "guide", frame, guide: { picture, t } });
    });
  }

  // The picture's name in the project, once a worker has read it; null where it was refused, which is said.
  async #send(data, name, frame, t, draft) {
    try {
      const words = new URLSearchParams({ t: address(t), name });
      if (draft) words.set("draft", "");
      const answer = await ask("PUT", `${base()}/pairs/${frame}/guide?${words}`, data);
      const job = await jobs.over((await answer.json()).job.id);
      if (job.state === "done") return job.result.picture;
      if (job.state === "failed") this.acts.trouble(job.error);
    } catch (error) {
      this.acts.trouble(error.message);
    }
    return null;
  }

  #path = (picture) => `${base()}/guides/${picture}`;
}

// The times that a rough may be of: the chart's, the middle, the one that is shown, and its own.
export function times() {
  const found = new Map();
  for (const t of [...ticks().map((tick) => tick.t), "1/2", nowT(), here.pair.guide?.t]) if (t) found.set(number(t), t);
  return [...found].sort(([a], [b]) => a - b).map(([, t]) => t);
}
