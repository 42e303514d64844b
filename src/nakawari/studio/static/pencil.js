// The pencil: lines on clear paper, in pixels of the picture. What is seen is the pencil's colour; what is kept is black.

import { TINT, tint } from "./tint.js";

const DARK = 60; // levels below which what is seen of a drawing counts as ink
const WIDER = 5; // the eraser, than the pencil
const known = new WeakMap();

export class Pencil {
  #canvas = new OffscreenCanvas(1, 1);
  #paint = this.#canvas.getContext("2d");
  #last = null; // where the line is that is being drawn
  #scale = 1;
  #maker = null; // of PNGs
  #made = 0;
  width = 3;
  erasing = false;

  // The layer, to be laid over the picture.
  get layer() {
    return this.#canvas;
  }

  get size() {
    return this.width * (this.erasing ? WIDER : 1);
  }

  get drawing() {
    return Boolean(this.#last);
  }

  // Clear paper, or the lines of `picture`.
  load({ width, height }, picture = null) {
    if (this.#canvas.width !== width || this.#canvas.height !== height) [this.#canvas.width, this.#canvas.height] = [width, height];
    this.#paint.globalCompositeOperation = "source-over";
    this.#paint.clearRect(0, 0, width, height);
    if (picture) this.#paint.drawImage(inked(picture), 0, 0);
    this.#last = null;
  }

  // place: {x, y}, whole numbers at the corners of pixels; pressure in [0, 1], 0.5 where none is felt
  begin(place, pressure, erasing = false) {
    this.#paint.globalCompositeOperation = erasing || this.erasing ? "destination-out" : "source-over";
    this.#paint.strokeStyle = TINT.rough;
    this.#paint.lineCap = this.#paint.lineJoin = "round";
    this.#scale = erasing || this.erasing ? WIDER : 1;
    this.#last = place;
    this.to(place, pressure);
  }

  to(place, pressure) {
    if (!this.#last) return;
    this.#paint.lineWidth = this.width * this.#scale * (0.4 + 1.2 * (pressure || 0.5));
    this.#paint.beginPath();
    this.#paint.moveTo(this.#last.x, this.#last.y);
    this.#paint.lineTo(place.x, place.y);
    this.#paint.stroke();
    this.#last = place;
  }

  // Whether there was a line to end.
  end() {
    const had = this.drawing;
    this.#last = null;
    return had;
  }

  // A PNG of the lines as they are now, in black.
  toBlob() {
    const { width, height } = this.#canvas;
    const picture = coloured(this.#canvas, "#000", new OffscreenCanvas(width, height)).transferToImageBitmap();
    this.#maker ??= new Worker("/static/png.js");
    const id = (this.#made += 1);
    return new Promise((give) => {
      const hear = ({ data }) => {
        if (data.id !== id) return;
        this.#maker.removeEventListener("message", hear);
        give(data.blob);
      };
      this.#maker.addEventListener("message", hear);
      this.#maker.postMessage({ id, picture }, [picture]);
    });
  }
}

// The lines of a rough in the pencil's colour: its ink, where it is on clear paper; else what is darker than its sides.
export function inked(picture) {
  if (!known.has(picture)) {
    const { width, height } = picture;
    known.set(picture, onNothing(picture) ? coloured(picture, TINT.rough, new OffscreenCanvas(width, height)) : tint(picture, "rough"));
  }
  return known.get(picture);
}

function coloured(picture, colour, canvas) {
  const paint = canvas.getContext("2d");
  paint.drawImage(picture, 0, 0);
  paint.globalCompositeOperation = "source-in";
  paint.fillStyle = colour;
  paint.fillRect(0, 0, canvas.width, canvas.height);
  return canvas;
}

function onNothing(picture) {
  const { width, height } = picture;
  const paint = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  paint.drawImage(picture, 0, 0);
  const { data } = paint.getImageData(0, 0, width, height);
  let clear = false;
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] < 128) clear = true;
    else if (data[at] > DARK || data[at + 1] > DARK || data[at + 2] > DARK) return false;
  }
  return clear;
}
