// What is being done: progress, time to go, cancel.

import { remove } from "./api.js";
import { last } from "./time.js";

const root = document.getElementById("jobs");
const SHOWN = new Set(["look", "draw", "render", "how"]);
const rows = new Map();
const over = new Map();

// Returns the words for a screen reader when a job that people wait for is over, or "".
export function hear(job) {
  if (!SHOWN.has(job.name)) return "";
  const live = job.state === "running" || job.state === "waiting";
  if (live && (job.name !== "draw" || job.seconds > 0.4)) {
    over.delete(job.id);
    paint(job);
    return "";
  }
  if (live) return "";
  rows.get(job.id)?.remove();
  rows.delete(job.id);
  if (over.has(job.id)) return "";
  over.set(job.id, true);
  if (job.name !== "render" && job.name !== "look") return "";
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
