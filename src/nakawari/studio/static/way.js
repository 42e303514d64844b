// Going from drawing to drawing, and between them.

import { get } from "./api.js";
import { base, cursor, here, nowT, target, ticks, view } from "./state.js";
import { at, number, ratioOf } from "./time.js";

export async function loadPair() {
  const wanted = target();
  here.pair = null;
  if (wanted === null) return;
  const revision = here.project.revision;
  const found = await get(`${base()}/pairs/${wanted}`);
  if (here.project.revision === revision && target() === wanted) here.pair = found;
}

// acts: {leave(), arrived(other), fail(words)}; `other`: it is another pair than before
export class Way {
  #steps = Promise.resolve(); // they wait for each other: where the next one leads is known when the pair is

  constructor(acts) {
    this.acts = acts;
  }

  async go(drawing, stop, free = null) {
    if (!here.project) return;
    this.acts.leave();
    const other = drawing !== cursor.drawing || !here.pair;
    Object.assign(cursor, { drawing: Math.min(here.project.drawings.length - 1, Math.max(0, drawing)), stop, free });
    view.flip = 0;
    view.half = null;
    if (other) await loadPair();
    cursor.stop = Math.min(cursor.stop, ticks().length);
    await this.acts.arrived(other);
  }

  // To a time between the drawings, which may be one of the chart's.
  goTo(t) {
    const tick = ticks().findIndex((one) => one.t === t);
    return this.go(cursor.drawing, tick + 1, tick < 0 ? t : null);
  }

  step = (by) => this.#inTurn(async () => {
    cursor.free = null;
    const stop = cursor.stop + by;
    if (stop < 0) {
      const before = cursor.drawing - 1;
      if (before < 0) return;
      await this.go(before, 0);
      await this.go(before, ticks().length);
    } else if (stop > ticks().length) {
      if (cursor.drawing + 1 < here.project.drawings.length) await this.go(cursor.drawing + 1, 0);
    } else {
      await this.go(cursor.drawing, stop);
    }
  });

  leap = (by) => this.#inTurn(() => this.go(cursor.drawing + by, 0));

  jumpShot = (by) => this.#inTurn(async () => {
    const shot = at(here.project.shots, here.project.drawings[cursor.drawing][0]) + by;
    if (shot >= 0 && shot < here.project.shots.length) await this.go(at(here.project.drawings, here.project.shots[shot][0]), 0);
  });

  nudge = (by) => this.#inTurn(async () => {
    if (!here.pair?.ticks.length) return;
    const t = Math.min(0.99, Math.max(0.01, (nowT() ? number(nowT()) : 0) + by));
    await this.go(cursor.drawing, 0, ratioOf(t, 100));
  });

  // The stop that an output frame is.
  async stand(slot) {
    if (!slot) return;
    await this.go(at(here.project.drawings, slot.source), 0);
    const tick = slot.target === null ? -1 : ticks().findIndex((one) => one.t === slot.t);
    if (tick >= 0) await this.go(cursor.drawing, tick + 1);
  }

  // Steps wait until this is over, as an edit that may change where they lead.
  after(work) {
    this.#steps = Promise.allSettled([this.#steps, work]);
    return work;
  }

  #inTurn(act) {
    this.#steps = this.#steps.then(() => here.project && act()).catch((error) => this.acts.fail(error.message));
  }
}
