// The canvas: one picture or two, side by side or wiped, with onion skin and overlays, down to the pixel.

import { Hand } from "./hand.js";
import { mark, trail } from "./marks.js";
import { tint } from "./tint.js";

const LARGEST = 64;
const WIPE_REACH = 12; // pixels beside the wipe at which it is taken hold of

export class Viewer {
  #canvas;
  #scene = null;
  #scale = 0; // device pixels for one pixel of the picture; 0: fit
  #middle = [0.5, 0.5]; // what is in the middle of a pane, as share of the picture
  #wipe = 0.5;
  #queued = false;

  #sketch = { line: [], cross: null }; // what the hand draws
  #kept = { made: [], canvas: null }; // what is under the pencil

  // acts: {zoomed(scale, now), pixel(found), picked(place), drawn(line), pencil: {begin, to, end, line, pencil}}
  constructor(canvas, pictures, { zoomed, pixel, picked, drawn, pencil }) {
    this.#canvas = canvas;
    this.pictures = pictures;
    this.zoomed = zoomed;
    new ResizeObserver(() => this.draw()).observe(canvas.parentElement);
    this.hand = new Hand(canvas, this, { picked, drawn, pencil, pixel: (place) => pixel(place && this.#pixel(place)) });
  }

  // scene: {width, height, aspect, alpha, main, spare, beside, as, veil, onion, opacity, rough, over, besideOver, marks, labels}
  show(scene) {
    const other = !this.#scene || this.#scene.width !== scene.width || this.#scene.height !== scene.height;
    this.#scene = scene;
    if (other) this.fit();
    this.draw();
  }

  draw() {
    if (this.#queued) return;
    this.#queued = true;
    requestAnimationFrame(() => {
      this.#queued = false;
      this.#paint();
    });
  }

  fit() {
    this.#scale = 0;
    this.#middle = [0.5, 0.5];
    this.draw();
  }

  actual() {
    this.#scale = 1;
    this.draw();
  }

  toggleFit() {
    if (this.#scale) this.fit();
    else this.actual();
  }

  zoom(factor, place = null) {
    if (!this.#scene) return;
    const was = this.#scaleNow();
    const now = Math.min(LARGEST, Math.max(this.#fitting() / 4, was * factor));
    if (place) {
      const before = this.#pictureAt(place);
      this.#scale = now;
      const after = this.#pictureAt(place);
      const { width, height } = this.#scene;
      this.#middle[0] += (before.x - after.x) / width;
      this.#middle[1] += (before.y - after.y) / height;
    }
    this.#scale = now;
    this.draw();
  }

  pan(dx, dy) {
    const ratio = this.#canvas.width / this.#canvas.getBoundingClientRect().width;
    const scale = this.#scaleNow();
    this.#scale = scale;
    this.#middle[0] -= (dx * ratio) / (scale * this.#scene.width * this.#scene.aspect);
    this.#middle[1] -= (dy * ratio) / (scale * this.#scene.height);
    this.draw();
  }

  onWipe(event) {
    if (!this.#scene?.beside || this.#scene.as !== "wipe") return false;
    const box = this.#canvas.getBoundingClientRect();
    return Math.abs(event.clientX - box.left - this.#wipe * box.width) < WIPE_REACH;
  }

  wipeAt(event) {
    const box = this.#canvas.getBoundingClientRect();
    this.#wipe = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    this.draw();
  }

  // What the hand is about to say: a line, and where the keyboard points.
  sketch(line, cross) {
    this.#sketch = { line, cross };
    this.draw();
  }

  get ready() {
    return Boolean(this.#scene);
  }

  // The kind of hint that clicks give; "": none.
  get picking() {
    return this.#scene?.picking ?? "";
  }

  get panes() {
    return this.#scene?.beside ? 2 : 1;
  }

  // Pixels of the page for one of the picture.
  get scale() {
    return this.#scaleNow() / (window.devicePixelRatio || 1);
  }

  // Where exactly an event of the pointer is: whole numbers at the corners of pixels.
  spot(event) {
    return this.#pictureAt(event);
  }

  // The pixel, and the pane, that an event of the pointer is over.
  place(event) {
    const { x, y, pane } = this.#pictureAt(event);
    const [px, py] = [Math.floor(x), Math.floor(y)];
    return { x: px, y: py, pane, inside: px >= 0 && py >= 0 && px < this.#scene.width && py < this.#scene.height };
  }

  middle() {
    const [x, y] = this.#middle;
    return this.clamp({ x: Math.round(x * this.#scene.width), y: Math.round(y * this.#scene.height), pane: 0 });
  }

  clamp({ x, y, pane }) {
    const { width, height } = this.#scene;
    return { x: Math.min(width - 1, Math.max(0, x)), y: Math.min(height - 1, Math.max(0, y)), pane, inside: true };
  }

  toBlob() {
    const picture = this.#scene && this.pictures.get(this.#scene.main);
    if (!picture) return null;
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    canvas.getContext("2d").drawImage(picture, 0, 0);
    return canvas.convertToBlob({ type: "image/png" });
  }

  // -- geometry: device pixels of the canvas, pixels of the picture --------------------------------

  #panes() {
    const { width, height } = this.#canvas;
    if (this.#scene?.beside && this.#scene.as === "side") {
      const half = Math.floor(width / 2) - 1;
      return [[0, 0, half, height], [width - half, 0, half, height]];
    }
    return [[0, 0, width, height]];
  }

  #fitting() {
    const [, , width, height] = this.#panes()[0];
    const { width: w, height: h, aspect } = this.#scene;
    return Math.min(width / (w * aspect), height / h);
  }

  #scaleNow() {
    return this.#scale || this.#fitting();
  }

  #origin([x, y, width, height]) {
    const scale = this.#scaleNow();
    const { width: w, height: h, aspect } = this.#scene;
    return [x + width / 2 - this.#middle[0] * w * aspect * scale, y + height / 2 - this.#middle[1] * h * scale];
  }

  // Which pixel of which pane a place on the page is over.
  #pictureAt({ clientX, clientY }) {
    const box = this.#canvas.getBoundingClientRect();
    const x = ((clientX - box.left) / box.width) * this.#canvas.width;
    const y = ((clientY - box.top) / box.height) * this.#canvas.height;
    const panes = this.#panes();
    const pane = panes.findIndex(([left, , width]) => x >= left && x < left + width);
    const [ox, oy] = this.#origin(panes[Math.max(0, pane)]);
    const scale = this.#scaleNow();
    const wiped = this.#scene.beside && this.#scene.as === "wipe" && x > this.#wipe * this.#canvas.width;
    return { x: (x - ox) / (scale * this.#scene.aspect), y: (y - oy) / scale, pane: wiped ? 1 : Math.max(0, pane) };
  }

  // -- painting ------------------------------------------------------------------------------------

  #paint() {
    const canvas = this.#canvas;
    const box = canvas.parentElement.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    const size = [Math.max(1, Math.round(box.width * ratio)), Math.max(1, Math.round(box.height * ratio))];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!this.#scene) return;
    this.zoomed(this.#scale ? this.#scale / ratio : 0, this.#scaleNow() / ratio);
    const scene = this.#scene;
    const panes = this.#panes();
    const main = this.pictures.get(scene.main) ?? (scene.spare && this.pictures.get(scene.spare));
    const beside = scene.beside && this.pictures.get(scene.beside);
    this.#pane(context, panes[0], main, scene.over, 0);
    if (scene.beside && scene.as === "side") {
      this.#pane(context, panes[1], beside, scene.besideOver, 1);
      this.#label(context, panes[0], scene.labels[0]);
      this.#label(context, panes[1], scene.labels[1]);
    } else if (scene.beside) {
      this.#wiped(context, panes[0], beside);
    }
  }

  #pane(context, pane, picture, over, number) {
    const scene = this.#scene;
    const scale = this.#scaleNow();
    const [x, y] = this.#origin(pane).map(Math.round);
    const [width, height] = [scene.width * scene.aspect * scale, scene.height * scale];
    context.save();
    context.beginPath();
    context.rect(...pane);
    context.clip();
    const skins = ["first", "second"].map((key) => {
      const skin = scene.onion?.[key] && this.pictures.get(scene.onion[key]);
      return skin && tint(skin, key);
    });
    if (scene.veil) this.#table(context, picture, skins, [x, y, width, height]);
    else this.#under(context, picture, skins, [x, y, width, height]);
    context.imageSmoothingEnabled = scale < 1.5;
    context.imageSmoothingQuality = scene.veil ? "low" : "high";
    const rough = number === 0 && scene.rough?.();
    if (rough) context.drawImage(rough, x, y, width, height);
    const cover = over && this.pictures.get(over);
    if (cover) {
      context.globalAlpha = scene.overOpacity ?? 0.7;
      context.drawImage(cover, x, y, width, height);
      context.globalAlpha = 1;
    }
    if (scale >= 12) this.#grid(context, pane, x, y, scale);
    for (const one of scene.marks?.[number] ?? []) mark(context, one, (place) => this.#place(x, y, scale, place));
    this.#drawSketch(context, x, y, scale, number);
    context.restore();
  }

  // The picture, and the onion skin on it.
  #under(context, picture, skins, at) {
    const { veil, opacity } = this.#scene;
    context.imageSmoothingEnabled = this.#scaleNow() < 1.5;
    context.imageSmoothingQuality = "high";
    this.#ground(context, ...at);
    if (picture) context.drawImage(picture, ...at);
    if (veil) {
      context.fillStyle = `rgb(255 255 255 / ${veil})`;
      context.fillRect(...at);
    }
    context.globalAlpha = opacity ?? 1;
    for (const skin of skins) if (skin) context.drawImage(skin, ...at);
    context.globalAlpha = 1;
  }

  // The same under a pencil, which draws it again with each step: kept until something of it is another.
  #table(context, picture, skins, at) {
    const { width, height } = context.canvas;
    const made = [picture, ...skins, ...at, width, height, this.#scene.opacity];
    if (made.some((one, index) => one !== this.#kept.made[index])) {
      this.#kept = { made, canvas: new OffscreenCanvas(width, height) };
      this.#under(this.#kept.canvas.getContext("2d"), picture, skins, at);
    }
    context.drawImage(this.#kept.canvas, 0, 0);
  }

  #ground(context, x, y, width, height) {
    if (!this.#scene.alpha) return;
    const square = 8 * (window.devicePixelRatio || 1);
    const tile = new OffscreenCanvas(square * 2, square * 2);
    const paint = tile.getContext("2d");
    paint.fillStyle = "#d9d9d9";
    paint.fillRect(0, 0, square * 2, square * 2);
    paint.fillStyle = "#f4f4f4";
    paint.fillRect(0, 0, square, square);
    paint.fillRect(square, square, square, square);
    context.fillStyle = context.createPattern(tile, "repeat");
    context.fillRect(x, y, width, height);
  }

  #grid(context, [left, top, width, height], x, y, scale) {
    const across = scale * this.#scene.aspect;
    context.strokeStyle = "rgb(128 128 128 / 0.35)";
    context.lineWidth = 1;
    context.beginPath();
    for (let gx = x + Math.ceil((left - x) / across) * across; gx < left + width; gx += across) {
      context.moveTo(Math.round(gx) + 0.5, top);
      context.lineTo(Math.round(gx) + 0.5, top + height);
    }
    for (let gy = y + Math.ceil((top - y) / scale) * scale; gy < top + height; gy += scale) {
      context.moveTo(left, Math.round(gy) + 0.5);
      context.lineTo(left + width, Math.round(gy) + 0.5);
    }
    context.stroke();
  }

  #place(x, y, scale, at) {
    return [x + (at[0] + 0.5) * scale * this.#scene.aspect, y + (at[1] + 0.5) * scale];
  }

  #drawSketch(context, x, y, scale, pane) {
    const { line, cross } = this.#sketch;
    const colour = this.#scene.sketchColour ?? "#1f62cf";
    if (line.length && line[0].pane === pane) trail(context, line.map((one) => this.#place(x, y, scale, [one.x, one.y])), colour);
    if (cross?.pane !== pane) return;
    const [cx, cy] = this.#place(x, y, scale, [cross.x, cross.y]);
    const arm = 12 * (window.devicePixelRatio || 1);
    for (const ends of [[[cx - arm, cy], [cx + arm, cy]], [[cx, cy - arm], [cx, cy + arm]]]) trail(context, ends, colour);
  }

  #wiped(context, pane, beside) {
    const ratio = window.devicePixelRatio || 1;
    const at = Math.round(this.#wipe * this.#canvas.width);
    const right = [at, 0, this.#canvas.width - at, this.#canvas.height];
    context.save();
    context.beginPath();
    context.rect(...right);
    context.clip();
    context.clearRect(...right);
    this.#pane(context, pane, beside, this.#scene.besideOver, 1);
    context.restore();
    context.fillStyle = "#fff";
    context.fillRect(at - ratio, 0, 2 * ratio, this.#canvas.height);
    context.fillStyle = "rgb(0 0 0 / 0.45)";
    context.fillRect(at + ratio, 0, ratio, this.#canvas.height);
    context.fillStyle = "#fff";
    context.beginPath();
    context.arc(at, this.#canvas.height / 2, 9 * ratio, 0, 7);
    context.fill();
    context.fillStyle = "#333";
    context.font = `${12 * ratio}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText("↔", at, this.#canvas.height / 2);
    this.#label(context, [0, 0, at, this.#canvas.height], this.#scene.labels[0]);
    this.#label(context, right, this.#scene.labels[1]);
  }

  #label(context, [x, , width], words) {
    if (!words || width < 40) return;
    const ratio = window.devicePixelRatio || 1;
    context.font = `600 ${11 * ratio}px system-ui, sans-serif`;
    context.textAlign = "left";
    context.textBaseline = "middle";
    const wide = Math.min(width - 12 * ratio, context.measureText(words).width + 12 * ratio);
    context.fillStyle = "rgb(20 21 24 / 0.72)";
    context.beginPath();
    context.roundRect(x + 8 * ratio, 8 * ratio, wide, 20 * ratio, 4 * ratio);
    context.fill();
    context.fillStyle = "#fff";
    context.fillText(words, x + 14 * ratio, 18.5 * ratio, wide - 12 * ratio);
  }

  // The colour under a place; null outside.
  #pixel({ x, y, pane, inside }) {
    const picture = this.pictures.get(pane ? this.#scene.beside : this.#scene.main);
    if (!picture || !inside) return null;
    const one = new OffscreenCanvas(1, 1).getContext("2d");
    one.drawImage(picture, -x, -y);
    return { x, y, colour: [...one.getImageData(0, 0, 1, 1).data] };
  }
}
