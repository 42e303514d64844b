// The side: what is known of a drawing, its shot, and the way to the next drawing; and what one may say of them.

import { Chart } from "./chart.js";
import { Focus } from "./focus.js";
import { describe } from "./hints.js";
import { times } from "./rough.js";
import { at, clock, nextOf, pretty } from "./time.js";

const root = document.getElementById("panel");

export class Panel {
  // acts: {edit(words), select(tick)}
  constructor(acts, models) {
    this.acts = acts;
    this.models = models;
    // The chart stays in the page, all else is made anew.
    this.drawingRoot = element("section", "");
    this.headRoot = element("div", "");
    this.chartRoot = element("div", "chart");
    this.restRoot = element("div", "");
    root.append(this.drawingRoot, element("section", "", this.headRoot, this.chartRoot, this.restRoot));
    this.focus = new Focus(root);
    root.addEventListener("drop", (event) => this.#dropped(event));
    this.chart = new Chart(this.chartRoot, {
      change: (chart) => acts.edit({ edit: "chart", frame: this.target, chart }),
      select: (tick) => acts.select(tick),
    });
  }

  show(project, cursor, pair) {
    const [first, last, flash, held, said] = project.drawings[cursor.drawing];
    const shotNumber = at(project.shots, first);
    const shot = project.shots[shotNumber];
    const count = last - first + 1;
    const next = nextOf(project, cursor.drawing);
    const why = flash ? "A flash: motion passes it by." : last + 1 >= project.frames ? "The clip ends here." : "A cut follows: nothing is drawn across it.";
    root.hidden = false;
    const make = () => {
      this.drawingRoot.replaceChildren(
        heading(`Drawing ${cursor.drawing + 1} of ${project.drawings.length}`),
        facts([
          ["Frames", count === 1 ? `${first}` : `${first} – ${last}`],
          ["Shown for", `${count} frame${count > 1 ? "s" : ""}${flash ? ", a flash" : ""}`],
          ["Shot", `${shotNumber + 1} of ${project.shots.length}, ${shot[2] ? `on ${shot[2]}s` : "still"}`],
        ]),
        this.#hold(first, held, said),
      );
      const [head, rest] = next < 0 ? [[heading("Then"), paragraph(why)], []] : this.#pair(project, next, pair);
      this.chartRoot.hidden = !rest.length;
      this.headRoot.replaceChildren(...head);
      this.restRoot.replaceChildren(...rest);
    };
    this.focus.around(make, { passing: next >= 0 && !pair, otherwise: document.getElementById("ribbon-list") });
  }

  #hold(frame, held, said) {
    const by = said < 0 ? "" : said ? "hold" : "move";
    const choice = select("hold", [
      ["", `by rule: ${said < 0 ? (held ? "held" : "moves") : "decide again"}`],
      ["hold", "hold, then move"],
      ["move", "move all along"],
    ], by);
    choice.title = "Held: still until just before the next drawing, then quickly there";
    choice.addEventListener("change", () => {
      const value = choice.value === "" ? null : choice.value === "hold";
      this.acts.edit({ edit: "hold", frame, held: value });
    });
    return labelled("While shown", choice);
  }

  // What stands above the chart, and what below it.
  #pair(project, next, pair) {
    this.target = project.drawings[next][0];
    const head = heading(`To drawing ${next + 1}`);
    if (!pair) return [[head, paragraph("…")], []];
    const count = pair.ticks.length;
    if (!count) return [[head, paragraph("No output frame falls between at this rate.")], []];
    const own = select("pair-model", [
      ["", `the clip's (${project.settings.model})`],
      ...this.models.filter((m) => m.here).map((m) => [m.name, m.name]),
    ], pair.own_model ?? "");
    own.addEventListener("change", () => {
      this.acts.edit({ edit: "model", frame: this.target, model: own.value || null });
    });
    this.chart.show(pair, this.current);
    const words = `${count} in-between${count > 1 ? "s" : ""}, ${clock(pair.begin)} to ${clock(pair.end)}`;
    const rest = [labelled("Model", own), this.#checked(pair), this.#hints(pair)];
    if (this.acts.takesHints()) rest.push(this.#rough(pair));
    return [[head, paragraph(words)], rest];
  }

  // What is wrong with the in-betweens, once somebody asked.
  #checked(pair) {
    const made = element("div", "checked");
    if (!pair.check) {
      const ask = element("button", "", "Check the in-betweens");
      ask.id = "check";
      ask.title = "Ghosts, gaps in lines, new colours, low confidence (K)";
      ask.addEventListener("click", () => this.acts.check());
      made.append(ask);
      return made;
    }
    const rows = pair.check.drawings.map((one) => {
      const words = one.flags.length ? one.flags.join(", ") : "nothing wrong";
      const said = element("span", "", words);
      const row = element("li", one.flags.length ? "flagged" : "", element("span", "number", pretty(one.t)), said);
      said.title = `stroke width off by ${one.stroke_width_px.toFixed(2)} px, ${one.regions} closed regions (keys ${one.key_regions}), ${one.gaps} gaps (keys ${one.key_gaps})`;
      return row;
    });
    made.append(element("h3", "", "Check"), element("ol", "", ...rows));
    return made;
  }

  // The rough of the pair: given, drawn, moved in time, taken away.
  #rough({ guide, refused }) {
    const { rough } = this.acts;
    const button = (id, words, title, act) => {
      const made = element("button", "", words);
      Object.assign(made, { id, title });
      made.addEventListener("click", act);
      return made;
    };
    const made = element("div", "rough", element("h3", "", "Rough"));
    made.setAttribute("role", "group");
    made.setAttribute("aria-label", "Rough");
    if (!guide) made.append(paragraph("A loose drawing of one moment between, that the paths then pass."));
    const choice = button("rough-choose", guide ? "Another…" : "Choose a picture…", "Dark lines on light paper or on none, as large as the keys; or drop it here (Shift+G)", () => rough.choose());
    const draw = button("rough-draw", "Draw", "Draw it over both keys (P)", () => rough.takeUp());
    if (!guide) {
      made.append(element("div", "row", draw, choice));
      return made;
    }
    const time = select("rough-t", times().map((t) => [t, pretty(t)]), guide.t);
    time.addEventListener("change", () => rough.move(time.value));
    made.append(labelled("Moment", time));
    if (refused) made.append(element("p", "refused", `Not followed: ${refused}`));
    made.append(element("div", "row", draw, choice, button("rough-remove", "Remove", "Without a rough", () => rough.remove())));
    return made;
  }

  // One picture that is dropped on the rough; all else that is dropped is opened.
  #dropped(event) {
    const { files } = event.dataTransfer;
    if (!event.target.closest(".rough") || files.length !== 1) return;
    event.preventDefault();
    event.stopPropagation();
    document.body.classList.remove("dropping");
    this.acts.rough.take(files[0]);
  }

  #hints(pair) {
    if (!this.acts.takesHints() && !pair.hints.length) {
      const able = this.models.filter((row) => row.hints && row.here).map((row) => row.name);
      const what = pair.guide ? "To have the rough followed" : "To say what matches what, or draw a rough";
      return paragraph(able.length ? `${what}, choose the model ${able.join(" or ")}.` : "");
    }
    const rows = pair.hints.map((hint, index) => {
      const gone = element("button", "icon", "×");
      gone.id = `hint-${index + 1}`;
      gone.setAttribute("aria-label", `Remove hint ${index + 1}`);
      gone.addEventListener("click", () => {
        const kept = pair.hints.filter((_, other) => other !== index);
        this.acts.edit({ edit: "hints", frame: this.target, hints: kept.length ? kept : null });
      });
      return element("li", "", element("span", "grow", describe(hint, index + 1)), gone);
    });
    const words = rows.length ? "" : "Show “regions” and click what matches.";
    return element("div", "hints", element("h3", "", "Hints"), paragraph(words), element("ol", "", ...rows));
  }
}

export function element(tag, name, ...children) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.append(...children);
  return made;
}

export function heading(title) {
  return element("h2", "", title);
}

export function paragraph(words) {
  return element("p", "quiet", words);
}

export function labelled(words, control) {
  return element("label", "field wide", words, control);
}

export function select(id, options, value) {
  const made = document.createElement("select");
  made.id = id;
  for (const [key, words] of options) made.add(new Option(words, key, false, key === value));
  return made;
}

function facts(rows) {
  const list = element("dl", "facts");
  for (const [name, what] of rows) list.append(element("dt", "", name), element("dd", "", what));
  return list;
}
