// What a person says about what matches what in a pair: places, or lines, in the first key and in the second.

export const COLOURS = { regions: "#1a8f4a", apart: "#c8401f", points: "#1f62cf", strokes: "#1f62cf", appears: "#8d4fc4", disappears: "#8d4fc4" };
export const WORDS = {
  regions: "same region",
  apart: "not the same",
  points: "same point",
  strokes: "same line",
  appears: "appears",
  disappears: "disappears",
};
const PLACE = ["the first key", "the second key"];

// What a click does: {half: what waits for its other place, hint: a whole one, words: what is said}
export function clicked(kind, half, place, pane) {
  if (kind === "appears") return single(kind, place, pane, 1);
  if (kind === "disappears") return single(kind, place, pane, 0);
  if (half && half.pane !== pane) {
    const [first, second] = pane ? [half.place, place] : [place, half.place];
    return { half: null, hint: { kind, first, second }, words: `${WORDS[kind]}: done` };
  }
  return { half: { kind, place, pane }, hint: null, words: prompt(kind, { pane }) };
}

// What to do next, for the eye and for the ear; `half`: what waits for its other place.
export function prompt(kind, half) {
  if (kind === "appears") return `Click what appears in ${PLACE[1]}`;
  if (kind === "disappears") return `Click what disappears in ${PLACE[0]}`;
  if (half) return `${kind === "strokes" ? "Now draw along the same line" : "Now click"} in ${PLACE[1 - half.pane]}`;
  return kind === "strokes" ? "Draw along a line in one key" : `Click in one key: ${WORDS[kind]}`;
}

function single(kind, place, pane, wanted) {
  if (pane !== wanted) return { half: null, hint: null, words: prompt(kind, null) };
  const hint = { kind, first: wanted ? null : place, second: wanted ? place : null };
  return { half: null, hint, words: `${WORDS[kind]}: done` };
}

// Marks for the canvas: those of the first key, and those of the second.
export function marks(hints, half) {
  const made = [[], []];
  hints.forEach((hint, index) => {
    for (const [side, place] of [hint.first, hint.second].entries()) {
      if (place) made[side].push({ ...where(hint.kind, place), colour: COLOURS[hint.kind], text: String(index + 1) });
    }
  });
  if (half) made[half.pane].push({ ...where(half.kind, half.place), colour: COLOURS[half.kind], text: "", open: true });
  return made;
}

const where = (kind, place) => (kind === "strokes" ? { at: place[0], line: place } : { at: place });

export function describe(hint, number) {
  const at = (place) => (hint.kind === "strokes" ? place[0] : place).join(",");
  const places = [hint.first, hint.second].filter(Boolean).map(at);
  return `${number}  ${WORDS[hint.kind]}, ${places.join(" → ")}`;
}
