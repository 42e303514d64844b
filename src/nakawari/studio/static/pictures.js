// Pictures by address: asked for once, waited for while a worker makes them, kept while there is room.

import { ask } from "./api.js";

const MOST_BYTES = 384 * 2 ** 20;

export class Pictures {
  #known = new Map(); // path → {bitmap, state, job, bytes}
  #bytes = 0;
  #over = new Map(); // jobs that are over: what was heard before the answer that names the job
  #changed;

  constructor(changed) {
    this.#changed = changed;
  }

  // The bitmap, or null: it is on its way, and `changed` is called when it has come.
  // `ahead`: nobody waits for it yet.
  get(path, ahead = false) {
    let entry = this.#known.get(path);
    if (!entry) {
      entry = { bitmap: null, state: "asked", bytes: 0, job: null, error: "" };
      this.#known.set(path, entry);
      this.#load(path, entry, ahead);
    } else if (entry.bitmap) {
      this.#known.delete(path); // the youngest is last
      this.#known.set(path, entry);
    }
    return entry.bitmap;
  }

  // The bitmap, once it is there; null where it cannot be had.
  async once(path) {
    while (!this.get(path) && this.state(path).state !== "failed") await new Promise((go) => setTimeout(go, 15));
    return this.state(path).bitmap;
  }

  state(path) {
    return this.#known.get(path) ?? { state: "unknown", bitmap: null, error: "" };
  }

  has(path) {
    return Boolean(this.#known.get(path)?.bitmap);
  }

  // Something happened to a job, or a file was made: whoever waits for it asks again.
  hear(event) {
    if (event.job && !["waiting", "running"].includes(event.job.state)) this.#over.set(event.job.id, event.job);
    for (const [path, entry] of this.#known) {
      if (entry.state !== "waiting") continue;
      if (event.made && event.key === entry.key && path.includes(`/at/${event.made.replace(".png", "")}`)) {
        this.#load(path, entry);
      } else if (event.job && event.job.id === entry.job) {
        this.#ended(path, entry, event.job);
      }
    }
  }

  forget(test = () => true) {
    for (const [path, entry] of [...this.#known]) {
      if (test(path)) this.#drop(path, entry);
    }
  }

  #ended(path, entry, job) {
    if (job.state === "done") this.#load(path, entry);
    else if (job.state === "failed") this.#fail(entry, job.error);
    else if (job.state === "cancelled") {
      this.#known.delete(path); // whoever still wants it asks again
      this.#changed();
    }
  }

  #fail(entry, words) {
    entry.state = "failed";
    entry.error = words;
    this.#changed();
  }

  async #load(path, entry, ahead = false) {
    entry.state = "asked";
    try {
      const answer = await ask("GET", ahead && path.includes("?") ? `${path}&ahead` : path);
      if (answer.status === 202) {
        const { job } = await answer.json();
        Object.assign(entry, { state: "waiting", job: job.id, key: job.key });
        const over = this.#over.get(job.id);
        if (over) this.#ended(path, entry, over);
        return;
      }
      const bitmap = await createImageBitmap(await answer.blob(), { colorSpaceConversion: "none" });
      entry.bitmap = bitmap;
      entry.state = "here";
      entry.bytes = bitmap.width * bitmap.height * 4;
      this.#bytes += entry.bytes;
      this.#trim(path);
      this.#changed();
    } catch (error) {
      this.#fail(entry, error.message);
    }
  }

  #trim(latest) {
    for (const [path, entry] of [...this.#known]) {
      if (this.#bytes <= MOST_BYTES) return;
      if (path !== latest && entry.bitmap) this.#drop(path, entry);
    }
  }

  #drop(path, entry) {
    this.#known.delete(path);
    this.#bytes -= entry.bytes;
    entry.bitmap?.close();
  }
}
