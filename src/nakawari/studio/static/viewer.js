// The canvas: one picture or two, side by side or wiped, with onion skin and overlays, down to the pixel.

const TINT = { first: "#e2573b", second: "#3f7fe8" }; // the pencils: red before, blue after
const LARGEST = 64;
const tinted = new WeakMap();

export class Viewer {
  #canvas;
  #scene = null;
  #scale = 0; // device pixels for one pixel of the picture; 0: fit
  #middle = [0.5, 0.5]; // what is in the middle of a pane, as share of the picture
  #wipe = 0.5;
  #queued = false;

  constructor(canvas, pictures, { zoomed, pixel, wiped, picked }) {
    this.#canvas = canvas;
    this.pictures = pictures;
    this.zoomed = zoomed;
    this.pixel = pixel;
    this.wiped = wiped;
    this.picked = picked;
    new ResizeObserver(() => this.draw()).observe(canvas.parentElement);
    this.#listen();
  }

  // scene: {width, height, aspect, alpha, main, spare, beside, as, onion, opacity, over, besideOver, marks, labels}
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

  wipe(share) {
    this.#wipe = Math.min(1, Math.max(0, share));
    this.draw();
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
    this.#pane(context, panes[0], main, scene.over, scene.marks?.[0]);
    if (scene.beside && scene.as === "side") {
      this.#pane(context, panes[1], beside, scene.besideOver, scene.marks?.[1]);
      this.#label(context, panes[0], scene.labels[0]);
      this.#label(context, panes[1], scene.labels[1]);
    } else if (scene.beside) {
      this.#wiped(context, panes[0], beside);
    }
  }

  #pane(context, pane, picture, over, marks) {
    const scene = this.#scene;
    const scale = this.#scaleNow();
    const [x, y] = this.#origin(pane).map(Math.round);
    const [width, height] = [scene.width * scene.aspect * scale, scene.height * scale];
    context.save();
    context.beginPath();
    context.rect(...pane);
    context.clip();
    context.imageSmoothingEnabled = scale < 1.5;
    context.imageSmoothingQuality = "high";
    this.#ground(context, x, y, width, height);
    if (picture) context.drawImage(picture, x, y, width, height);
    if (scene.onion) {
      context.globalAlpha = scene.opacity;
      for (const key of ["first", "second"]) {
        const skin = scene.onion[key] && this.pictures.get(scene.onion[key]);
        if (skin) context.drawImage(tint(skin, key), x, y, width, height);
      }
      context.globalAlpha = 1;
    }
    const cover = over && this.pictures.get(over);
    if (cover) {
      context.globalAlpha = scene.overOpacity ?? 0.7;
      context.drawImage(cover, x, y, width, height);
      context.globalAlpha = 1;
    }
    if (scale >= 12) this.#grid(context, pane, x, y, scale);
    for (const mark of marks ?? []) this.#mark(context, x, y, scale, mark);
    context.restore();
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

  #mark(context, x, y, scale, { at, colour, text, open }) {
    const ratio = window.devicePixelRatio || 1;
    const place = [x + (at[0] + 0.5) * scale * this.#scene.aspect, y + (at[1] + 0.5) * scale];
    context.lineWidth = 2 * ratio;
    context.strokeStyle = "#fff";
    context.fillStyle = colour;
    context.beginPath();
    context.arc(...place, 8 * ratio, 0, 7);
    if (!open) context.fill();
    else context.strokeStyle = colour;
    context.stroke();
    if (!text) return;
    context.fillStyle = "#fff";
    context.font = `600 ${10 * ratio}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(text, place[0], place[1] + ratio / 2);
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
    this.#pane(context, pane, beside, this.#scene.besideOver, this.#scene.marks?.[1]);
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

  // -- the hand ------------------------------------------------------------------------------------

  #listen() {
    const canvas = this.#canvas;
    let drag = null;
    const onWipe = (event) => {
      if (!this.#scene?.beside || this.#scene.as !== "wipe") return false;
      const box = canvas.getBoundingClientRect();
      return Math.abs(event.clientX - box.left - this.#wipe * box.width) < 12;
    };
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), event);
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      if (!this.#scene || event.button > 1) return;
      canvas.setPointerCapture(event.pointerId);
      drag = { x: event.clientX, y: event.clientY, wipe: onWipe(event), moved: false };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.#scene) return;
      if (!drag) {
        canvas.style.cursor = onWipe(event) ? "ew-resize" : this.#scene.picking ? "crosshair" : "grab";
        this.#tellPixel(event);
        return;
      }
      const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
      if (!drag.moved && Math.hypot(dx, dy) < 4) return;
      drag.moved = true;
      if (drag.wipe) {
        const box = canvas.getBoundingClientRect();
        this.wipe((event.clientX - box.left) / box.width);
        return;
      }
      const ratio = canvas.width / canvas.getBoundingClientRect().width;
      const scale = this.#scaleNow();
      this.#scale = scale;
      this.#middle[0] -= (dx * ratio) / (scale * this.#scene.width * this.#scene.aspect);
      this.#middle[1] -= (dy * ratio) / (scale * this.#scene.height);
      [drag.x, drag.y] = [event.clientX, event.clientY];
      this.draw();
    });
    canvas.addEventListener("pointerup", (event) => {
      if (drag && !drag.moved && !drag.wipe && this.#scene) this.#pick(event);
      drag = null;
    });
    canvas.addEventListener("pointerleave", () => this.pixel(null));
    canvas.addEventListener("dblclick", () => (this.#scale ? this.fit() : this.actual()));
  }

  #pick(event) {
    const { x, y, pane } = this.#pictureAt(event);
    const [px, py] = [Math.floor(x), Math.floor(y)];
    if (px < 0 || py < 0 || px >= this.#scene.width || py >= this.#scene.height) return;
    this.picked({ x: px, y: py, pane });
  }

  #tellPixel(event) {
    const { x, y, pane } = this.#pictureAt(event);
    const [px, py] = [Math.floor(x), Math.floor(y)];
    const picture = this.pictures.get(pane ? this.#scene.beside : this.#scene.main);
    if (!picture || px < 0 || py < 0 || px >= picture.width || py >= picture.height) return this.pixel(null);
    const one = new OffscreenCanvas(1, 1).getContext("2d");
    one.drawImage(picture, -px, -py);
    this.pixel({ x: px, y: py, colour: [...one.getImageData(0, 0, 1, 1).data] });
  }
}

// The lines of a key in one pencil's colour: what is darker than its surroundings; all else is clear.
function tint(picture, key) {
  const known = tinted.get(picture) ?? {};
  if (known[key]) return known[key];
  const { width, height } = picture;
  const own = pixels(picture, width, height, width, height);
  const around = pixels(picture, Math.max(1, width >> 4), Math.max(1, height >> 4), width, height);
  const colour = TINT[key].match(/\w\w/g).map((pair) => parseInt(pair, 16));
  for (let at = 0; at < own.data.length; at += 4) {
    const darker = light(around.data, at) - light(own.data, at);
    own.data[at + 3] = Math.min(255, Math.max(0, (darker - 10) * 6));
    [own.data[at], own.data[at + 1], own.data[at + 2]] = colour;
  }
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(own, 0, 0);
  known[key] = canvas;
  tinted.set(picture, known);
  return canvas;
}

// The pixels of a picture over white, taken through a smaller size where one is given.
function pixels(picture, smallWidth, smallHeight, width, height) {
  const small = new OffscreenCanvas(smallWidth, smallHeight);
  const paint = small.getContext("2d");
  paint.imageSmoothingQuality = "high";
  paint.fillStyle = "#fff";
  paint.fillRect(0, 0, smallWidth, smallHeight);
  paint.drawImage(picture, 0, 0, smallWidth, smallHeight);
  const whole = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  whole.drawImage(small, 0, 0, width, height);
  return whole.getImageData(0, 0, width, height);
}

const light = (data, at) => (data[at] * 54 + data[at + 1] * 183 + data[at + 2] * 19) >> 8;
