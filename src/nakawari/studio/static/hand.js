// The hand on the canvas: pan and wipe, pick places, draw lines, lead the pencil; and the same from the keyboard.

const SPACING_PX = 3; // of a drawn line, in pixels of the picture
const MOST_PLACES = 200;
const ERASER = 5; // the button that the other end of a pen is
const RING_PX = 60; // a larger pencil is shown no larger

export class Hand {
  #canvas;
  #viewer;
  #drag = null;
  #line = []; // places of a line that is being drawn
  #cross = null; // {x, y, pane}: where the keyboard points

  #pen = false; // there is one: what touches is the hand that holds it

  // viewer: what is pointed at; acts: {pixel(place or null), picked(place), drawn(line), pencil}
  constructor(canvas, viewer, acts) {
    this.#canvas = canvas;
    this.#viewer = viewer;
    this.acts = acts;
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      viewer.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), event);
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.#up(event));
    canvas.addEventListener("pointerleave", () => acts.pixel(null));
    canvas.addEventListener("dblclick", () => viewer.picking || viewer.toggleFit());
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => this.#point(null));
  }

  // Forgets what was begun, as when another kind of hint is chosen.
  rest() {
    this.#line = [];
    this.#show();
  }

  #down(event) {
    const pencil = this.#viewer.picking === "pencil" && [0, ERASER].includes(event.button);
    if (!this.#viewer.ready || this.#drag || (event.button > 1 && !pencil)) return;
    this.#pen ||= event.pointerType === "pen";
    if (pencil && this.#pen && event.pointerType === "touch") return;
    this.#canvas.setPointerCapture(event.pointerId);
    const place = this.#viewer.place(event);
    const draws = this.#viewer.picking === "strokes" && event.button === 0 && place.inside;
    this.#point(null);
    const { pointerId, clientX: x, clientY: y } = event;
    this.#drag = { pointerId, x, y, wipe: this.#viewer.onWipe(event), draws, pencil, moved: false };
    if (draws) this.#line = [place];
    if (pencil) this.acts.pencil.begin(this.#viewer.spot(event), pressure(event), event.button === ERASER);
  }

  #move(event) {
    const viewer = this.#viewer;
    if (!viewer.ready) return;
    if (!this.#drag) {
      this.#canvas.style.cursor = viewer.onWipe(event) ? "ew-resize" : this.#cursor();
      this.acts.pixel(viewer.place(event));
      return;
    }
    const drag = this.#drag;
    if (event.pointerId !== drag.pointerId) return;
    if (drag.pencil) {
      const all = event.getCoalescedEvents?.() ?? [];
      for (const one of all.length ? all : [event]) this.acts.pencil.to(viewer.spot(one), pressure(one));
      return;
    }
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.moved && Math.hypot(dx, dy) < 4) return;
    drag.moved = true;
    if (drag.draws) this.#extend(viewer.place(event));
    else if (drag.wipe) viewer.wipeAt(event);
    else viewer.pan(dx, dy);
    [drag.x, drag.y] = [event.clientX, event.clientY];
  }

  #up(event) {
    const drag = this.#drag;
    if (drag && event.pointerId !== drag.pointerId) return;
    this.#drag = null;
    if (!drag || !this.#viewer.ready) return;
    if (drag.pencil) this.acts.pencil.end();
    else if (drag.draws) this.#finish();
    else if (!drag.moved && !drag.wipe) this.#pick(this.#viewer.place(event));
  }

  #cursor() {
    const { picking, scale } = this.#viewer;
    if (picking !== "pencil") return picking ? "crosshair" : "grab";
    const size = Math.min(RING_PX, Math.max(4, this.acts.pencil.size * scale));
    const box = Math.ceil(size) + 4;
    const ring = (colour, wide) => `<circle cx='${box / 2}' cy='${box / 2}' r='${size / 2}' fill='none' stroke='${colour}' stroke-width='${wide}'/>`;
    const drawn = `<svg xmlns='http://www.w3.org/2000/svg' width='${box}' height='${box}'>${ring("white", 3)}${ring("black", 1)}</svg>`;
    return `url("data:image/svg+xml,${encodeURIComponent(drawn)}") ${box / 2} ${box / 2}, crosshair`;
  }

  #extend(place) {
    const before = this.#line.at(-1);
    if (!place.inside || place.pane !== this.#line[0].pane || this.#line.length >= MOST_PLACES) return;
    if (Math.hypot(place.x - before.x, place.y - before.y) < SPACING_PX) return;
    this.#line.push(place);
    this.#show();
  }

  #finish() {
    const line = this.#line;
    this.rest();
    if (line.length > 1) (this.#viewer.picking === "pencil" ? this.acts.pencil.line(line) : this.acts.drawn(line));
  }

  #pick(place) {
    if (place.inside) this.acts.picked(place);
  }

  // While clicks mean something, arrow keys move a cross (Shift: by one pixel), Tab takes it to the other
  // key, Enter clicks; of a line, Enter sets a place and Ctrl+Enter ends it.
  #key(event) {
    const { picking, ready } = this.#viewer;
    if (!ready || !picking) return;
    if (event.key === "Enter") {
      this.#enter(event);
    } else if (event.key === "Tab" && this.#cross && this.#viewer.panes > 1 && !event.shiftKey && !event.ctrlKey) {
      this.#line = [];
      this.#point({ ...this.#cross, pane: 1 - this.#cross.pane });
    } else if (event.key === "Escape" && this.#cross) {
      this.#line = [];
      this.#point(null);
    } else {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!way || event.ctrlKey || event.altKey) return;
      const by = event.shiftKey ? 1 : 8;
      const from = this.#cross ?? this.#viewer.middle();
      this.#point(this.#viewer.clamp({ x: from.x + way[0] * by, y: from.y + way[1] * by, pane: from.pane }));
    }
    event.preventDefault();
    event.stopPropagation();
  }

  #enter(event) {
    if (!this.#cross) return this.#point(this.#viewer.middle());
    if (!["strokes", "pencil"].includes(this.#viewer.picking)) return this.#pick(this.#cross);
    if (event.ctrlKey || event.metaKey) return this.#finish();
    this.#line.push(this.#cross);
    this.#show();
  }

  #point(cross) {
    if (!cross && !this.#cross) return;
    this.#cross = cross;
    this.acts.pixel(cross);
    this.#show();
  }

  #show() {
    this.#viewer.sketch(this.#line, this.#cross);
  }
}

// How hard a pen is pressed; 0.5 of what feels nothing.
const pressure = ({ pointerType, pressure: felt }) => (pointerType === "pen" ? felt : 0.5);
