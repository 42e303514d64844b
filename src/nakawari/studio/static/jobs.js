// What is being done: progress, time to go, cancel.

import { remove } from "./api.js";
import { last } from "./time.js";

const root = document.getElementById("jobs");
const SHOWN = new Set(["look", "draw", "render", "how", "check", "guide"]);
const QUICK = new Set(["draw", "guide"]); // shown when they take longer than usual
const LONG = new Set(["look", "render"]); // told of when they begin and end
const begun = new Set();
const rows = new Map();
const told = new Set();

const waiting = new Map();
const ended = new Map();

// The job, once it is over.
export function over(id) {
  if (ended.has(id)) return Promise.resolve(ended.get(id));
  return new Promise((give) => waiting.set(id, [...(waiting.get(id) ?? []), give]));
}

// Returns the words for a screen reader when a job that people wait for is over, or "".
export function hear(job) {
  if (job.state !== "running" && job.state !== "waiting") {
    ended.set(job.id, job);
    for (const give of waiting.get(job.id) ?? []) give(job);
    waiting.delete(job.id);
  }
  if (!SHOWN.has(job.name)) return "";
  const live = job.state === "running" || job.state === "waiting";
  if (live && (!QUICK.has(job.name) || job.seconds > 0.4)) {
    paint(job);
    const first = LONG.has(job.name) && job.state === "running" && !begun.has(job.id);
    if (first) begun.add(job.id);
    return first ? `${job.title}…` : "";
  }
  if (live) return "";
  if (rows.get(job.id)?.contains(document.activeElement)) document.getElementById("ribbon-list").focus();
  rows.get(job.id)?.remove();
  rows.delete(job.id);
  if (told.has(job.id)) return "";
  told.add(job.id);
  if (!LONG.has(job.name)) return "";
  if (job.state === "done") return `${job.title}: done in ${last(job.seconds)}.${job.output ? ` ${job.output}` : ""}`;
  return job.state === "cancelled" ? `${job.title}: cancelled.` : "";
}

function paint(job) {
  let row = rows.get(job.id);
  if (!row) {
    row = document.createElement("div");
    row.className = "job";
    const words = document.createElement("span");
    words.className = "job-words";
    const bar = document.createElement("progress");
    bar.max = 1;
    const leave = document.createElement("button");
    leave.className = "icon";
    leave.textContent = "×";
    leave.title = "Cancel";
    leave.setAttribute("aria-label", `Cancel: ${job.title}`);
    leave.addEventListener("click", () => remove(`jobs/${job.id}`).catch(() => {}));
    row.append(words, bar, leave);
    rows.set(job.id, row);
    root.append(row);
  }
  const [words, bar] = row.children;
  const parts = [job.title];
  if (job.state === "waiting") parts.push("waits");
  else if (job.eta_s) parts.push(`${last(job.eta_s)} to go`);
  words.textContent = parts.join(" · ");
  words.title = job.total ? `${job.done} of ${job.total}` : "";
  bar.setAttribute("aria-label", job.title);
  if (job.total) bar.value = job.done / job.total;
  else bar.removeAttribute("value");
}
