// Playing: the output frames of a pair or a shot, on the clock, with what is drawn so far.

const AHEAD = 16;

export class Player {
  #slots = [];
  #timer = 0;
  #begun = 0;
  #shown = -1;
  playing = false;
  speed = 1;

  // acts: {picture(slot) → path, show(slot, ready), stopped(slot)}
  constructor(pictures, acts) {
    this.pictures = pictures;
    this.acts = acts;
  }

  start(slots, rate, from = 0) {
    if (!slots.length) return;
    this.#slots = slots;
    this.rate = rate;
    this.playing = true;
    this.#shown = -1;
    this.#begun = performance.now() - (from / (rate * this.speed)) * 1000;
    this.#tick();
  }

  // Other speeds go on from where it is.
  setSpeed(speed) {
    const now = performance.now();
    this.#begun = now - ((now - this.#begun) * this.speed) / speed;
    this.speed = speed;
  }

  stop() {
    if (!this.playing) return;
    this.playing = false;
    cancelAnimationFrame(this.#timer);
    this.acts.stopped(this.#slots[Math.max(0, this.#shown)]);
  }

  #tick() {
    if (!this.playing) return;
    const passed = Math.floor(((performance.now() - this.#begun) / 1000) * this.rate * this.speed);
    const number = passed % this.#slots.length;
    if (number !== this.#shown) {
      this.#shown = number;
      for (let step = Math.min(AHEAD, this.#slots.length - 1); step >= 0; step -= 1) {
        this.pictures.get(this.acts.picture(this.#slots[(number + step) % this.#slots.length]), true);
      }
      const missing = this.#slots.filter((slot) => !this.pictures.has(this.acts.picture(slot))).length;
      this.acts.show(this.#slots[number], this.#slots.length > 3 * AHEAD ? 0 : missing);
    }
    this.#timer = requestAnimationFrame(() => this.#tick());
  }
}
