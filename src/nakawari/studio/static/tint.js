// The lines of a picture in one pencil's colour: red before, blue after, as on paper; green for a rough.

export const TINT = { first: "#e2573b", second: "#3f7fe8", rough: "#14924f" };
const known = new WeakMap();
const LEAST = 10; // levels by which a line is darker than what is on both sides of it
const FEW = 0.001; // share of the picture: with fewer pixels of lines, edges of paint are shown instead

// What is darker than both sides of it, in any direction; all else is clear. `key`: "first", "second" or "rough".
export function tint(picture, key) {
  const made = known.get(picture) ?? {};
  if (!made[key]) {
    made.shares ??= lines(picture);
    made[key] = coloured(made.shares, picture, TINT[key]);
    known.set(picture, made);
  }
  return made[key];
}

function coloured(shares, { width, height }, colour) {
  const [r, g, b] = colour.match(/\w\w/g).map((pair) => parseInt(pair, 16));
  const image = new ImageData(width, height);
  for (let at = 0; at < shares.length; at += 1) image.data.set([r, g, b, shares[at]], 4 * at);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function lines(picture) {
  const { width, height } = picture;
  const light = lightOf(picture);
  const reach = Math.max(3, Math.round(height / 100)); // wider than any line
  const found = new Uint8ClampedArray(width * height);
  let many = 0;
  for (let y = 0; y < height; y += 1) {
    const [up, down] = [Math.max(0, y - reach) * width, Math.min(height - 1, y + reach) * width];
    const row = y * width;
    for (let x = 0; x < width; x += 1) {
      const [left, right] = [Math.max(0, x - reach), Math.min(width - 1, x + reach)];
      const sides = Math.max(
        Math.min(light[row + left], light[row + right]),
        Math.min(light[up + x], light[down + x]),
        Math.min(light[up + left], light[down + right]),
        Math.min(light[up + right], light[down + left]),
      );
      found[row + x] = (sides - light[row + x] - LEAST) * 6;
      many += found[row + x] > 0;
    }
  }
  return many > FEW * found.length ? found : edges(light, width, height);
}

function edges(light, width, height) {
  const found = new Uint8ClampedArray(width * height);
  for (let y = 0; y + 1 < height; y += 1) {
    for (let at = y * width; at + 1 < (y + 1) * width; at += 1) {
      const step = Math.max(Math.abs(light[at] - light[at + 1]), Math.abs(light[at] - light[at + width]));
      found[at] = (step - LEAST) * 6;
    }
  }
  return found;
}

// How light a picture over white is, 0 to 255.
function lightOf(picture) {
  const { width, height } = picture;
  const paint = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  paint.fillStyle = "#fff";
  paint.fillRect(0, 0, width, height);
  paint.drawImage(picture, 0, 0);
  const { data } = paint.getImageData(0, 0, width, height);
  const light = new Uint8Array(width * height);
  for (let at = 0; at < light.length; at += 1) {
    light[at] = (data[4 * at] * 54 + data[4 * at + 1] * 183 + data[4 * at + 2] * 19) >> 8;
  }
  return light;
}
