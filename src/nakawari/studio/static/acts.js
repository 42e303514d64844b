// Edits of the drawing where one is, and of its shot.

import { cursor, here } from "./state.js";
import { at } from "./time.js";

const drawing = () => here.project.drawings[cursor.drawing];
const shot = () => at(here.project.shots, drawing()[0]);

// `edit` sends one.
export const acts = (edit) => ({
  cut() {
    const [frame] = drawing();
    if (frame > 0) edit({ edit: "cut", frame, there: here.project.shots[shot()][0] !== frame });
  },
  hold() {
    const [frame, , , held] = drawing();
    edit({ edit: "hold", frame, held: !held });
  },
  join() {
    const [frame] = drawing();
    if (frame > 0) edit({ edit: "drawing", frame, there: false });
  },
  split() {
    const [first, last] = drawing();
    if (last > first) edit({ edit: "drawing", frame: first + ((last - first + 1) >> 1), there: true });
  },
  cadence(cadence) {
    edit({ edit: "cadence", shot: shot(), cadence });
  },
});
