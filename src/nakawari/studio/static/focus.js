// Keeps the focus where it is while what has it is made anew.

const FOCUSABLE = "button, select, input, a[href], [tabindex]";

export class Focus {
  #root;
  #wanted = null; // ids: what had the focus, then what stands before it, nearest first, then what follows

  constructor(root) {
    this.#root = root;
  }

  // Makes the content anew; `passing`: it is not all there yet. `otherwise`: takes the focus where all is gone.
  around(make, { passing = false, otherwise = null } = {}) {
    const had = document.activeElement;
    if (this.#root.contains(had)) {
      const all = [...this.#root.querySelectorAll(FOCUSABLE)].filter((one) => one.id);
      const at = all.indexOf(had.closest("[id]"));
      this.#wanted = [all[at], ...all.slice(0, Math.max(0, at)).reverse(), ...all.slice(at + 1)].filter(Boolean).map((one) => one.id);
    } else if (had !== document.body) {
      this.#wanted = null; // it has gone elsewhere meanwhile
    }
    make();
    if (!this.#wanted) return;
    const [own, ...rest] = this.#wanted;
    const found = (passing ? [own] : [own, ...rest]).map((id) => document.getElementById(id)).find(Boolean);
    if (!found && passing) return;
    (found ?? otherwise)?.focus({ preventScroll: true });
    this.#wanted = null;
  }
}
