// Pictures by address: asked for once, waited for while a worker makes them, kept while there is room.

import { ask } from "./api.js";

const MOST_BYTES = 384 * 2 ** 20;

export class Pictures {
  #known = new Map(); // path → {bitmap, state, job, bytes}
  #bytes = 0;
  #changed;

  constructor(changed) {
    this.#changed = changed;
  }

  // The bitmap, or null: it is on its way, and `changed` is called when it has come.
  get(path) {
    let entry = this.#known.get(path);
    if (!entry) {
      entry = { bitmap: null, state: "asked", bytes: 0, job: null, error: "" };
      this.#known.set(path, entry);
      this.#load(path, entry);
    } else if (entry.bitmap) {
      this.#known.delete(path); // the youngest is last
      this.#known.set(path, entry);
    }
    return entry.bitmap;
  }

  state(path) {
    return this.#known.get(path) ?? { state: "unknown", bitmap: null, error: "" };
  }

  has(path) {
    return Boolean(this.#known.get(path)?.bitmap);
  }

  // Something happened to a job, or a file was made: whoever waits for it asks again.
  hear(event) {
    for (const [path, entry] of this.#known) {
      if (entry.state !== "waiting") continue;
      if (event.made && event.key === entry.key && path.includes(`/at/${event.made.replace(".png", "")}`)) {
        this.#load(path, entry);
      } else if (event.job && event.job.id === entry.job) {
        if (event.job.state === "done") this.#load(path, entry);
        if (event.job.state === "failed") this.#fail(entry, event.job.error);
        if (event.job.state === "cancelled") this.#known.delete(path);
      }
    }
  }

  forget(test = () => true) {
    for (const [path, entry] of [...this.#known]) {
      if (test(path)) this.#drop(path, entry);
    }
  }

  #fail(entry, words) {
    entry.state = "failed";
    entry.error = words;
    this.#changed();
  }

  async #load(path, entry) {
    entry.state = "asked";
    try {
      const answer = await ask("GET", path);
      if (answer.status === 202) {
        const { job } = await answer.json();
        Object.assign(entry, { state: "waiting", job: job.id, key: job.key });
        if (job.state === "done") this.#load(path, entry); // it was done while we asked
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
