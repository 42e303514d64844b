// Where one is: drawings, the pairs that they make, and the stops between. Fractions are "n/d" as the studio sends them.

export const number = (ratio) => {
  const [n, d] = String(ratio).split("/").map(Number);
  return n / (d || 1);
};

export const address = (ratio) => ratio.replace("/", "-");

export function ratioOf(value, parts) {
  let n = Math.round(value * parts);
  let d = parts;
  const common = (a, b) => (b ? common(b, a % b) : a);
  const by = common(n, d) || 1;
  return `${n / by}/${d / by}`;
}

export function pretty(ratio) {
  const [n, d] = ratio.split("/").map(Number);
  return d <= 60 ? `${n}/${d}` : (n / d).toFixed(3);
}

export function clock(seconds) {
  const whole = Math.floor(seconds);
  const part = Math.floor((seconds - whole) * 100);
  const two = (x) => String(x).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  return `${hours ? hours + ":" : ""}${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}.${two(part)}`;
}

export function last(seconds) {
  if (seconds === undefined || seconds === null) return "";
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

// Number of the last run that begins at or before a frame; runs are [first, last, …].
export function at(runs, frame) {
  let low = 0;
  let high = runs.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (runs[middle][0] <= frame) low = middle;
    else high = middle - 1;
  }
  return low;
}

// The drawing that a drawing moves towards; -1 before a cut, at the end, and out of a flash.
export function nextOf(project, drawing) {
  const { drawings, shots } = project;
  if (drawings[drawing][2]) return -1;
  const shot = shots[at(shots, drawings[drawing][0])];
  for (let n = drawing + 1; n < drawings.length && drawings[n][0] <= shot[1]; n += 1) {
    if (!drawings[n][2]) return n;
  }
  return -1;
}
