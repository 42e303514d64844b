// Opening: by path, by looking through folders, by dropping files.

import { ask, get, post, Trouble } from "./api.js";

const dialog = document.getElementById("open-dialog");
const path = document.getElementById("open-path");
const rate = document.getElementById("open-rate");
const trouble = document.getElementById("open-trouble");
const list = document.getElementById("open-list");
const where = document.getElementById("open-where");
const files = document.getElementById("open-files");
const ICONS = { folder: "▸", file: "▦", image: "▣", project: "✎" };

let opened;

export function ready(whenOpened) {
  opened = whenOpened;
  dialog.addEventListener("submit", (event) => {
    event.preventDefault(); // closed once it is open
    go(path.value);
  });
  document.getElementById("open-upload").addEventListener("click", () => files.click());
  files.addEventListener("change", () => upload([...files.files]));
  for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
  document.addEventListener("dragover", () => document.body.classList.add("dropping"));
  for (const name of ["dragleave", "drop"]) document.addEventListener(name, () => document.body.classList.remove("dropping"));
  document.addEventListener("drop", async (event) => upload(await dropped(event.dataTransfer)));
}

export async function show() {
  trouble.hidden = true;
  if (!dialog.open) dialog.showModal();
  path.focus();
  await look(where.dataset.path ?? null);
}

async function look(folder) {
  try {
    const found = await get(`files${folder ? `?path=${encodeURIComponent(folder)}` : ""}`);
    where.dataset.path = found.path ?? "";
    const images = found.entries.filter((entry) => entry.kind === "image").length;
    where.replaceChildren(found.path ?? "What was opened when the studio was started");
    if (images) {
      const all = button(`Open these ${images} images`, () => go(found.path));
      all.className = "primary";
      where.append(all);
    }
    const rows = found.entries.map((entry) => row(entry));
    if (found.path !== null) rows.unshift(row({ name: "..", path: found.parent, kind: "folder" }));
    if (found.more) rows.push(item(`and ${found.more} more`));
    const inside = list.contains(document.activeElement) || where.contains(document.activeElement);
    list.replaceChildren(...rows);
    if (inside) (list.querySelector("button") ?? path).focus();
  } catch (error) {
    say(error.message);
  }
}

function row(entry) {
  const go_ = entry.kind === "folder" ? () => look(entry.path) : () => go(entry.path);
  const made = button("", go_);
  const icon = document.createElement("span");
  icon.setAttribute("aria-hidden", "true");
  icon.className = `file-icon ${entry.kind}`;
  icon.textContent = ICONS[entry.kind];
  made.append(icon, entry.name);
  if (entry.kind === "folder") made.setAttribute("aria-label", `Folder ${entry.name}`);
  return item(made);
}

function item(content) {
  const made = document.createElement("li");
  made.append(content);
  return made;
}

function button(words, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = words;
  made.addEventListener("click", act);
  return made;
}

export async function go(wanted, fresh = false) {
  if (!wanted) return say("Type a path, or choose a file below.");
  try {
    const answer = await post("open", { path: wanted, rate: rate.value || null, fresh });
    dialog.close();
    opened(answer);
  } catch (error) {
    say(error.message);
  }
}

function say(words) {
  if (!dialog.open) dialog.showModal();
  trouble.textContent = words;
  trouble.hidden = false;
}

// How far copying is, where it is seen and heard: behind a dialog nothing is.
function copying(words) {
  const inside = document.getElementById("open-said");
  inside.hidden = !words;
  inside.textContent = words;
  if (!dialog.open) opened({ uploading: words });
}

async function upload(chosen) {
  const wanted = chosen.filter((file) => !file.name.startsWith("."));
  if (!wanted.length) return;
  const batch = [...crypto.getRandomValues(new Uint8Array(8))].map((x) => x.toString(16).padStart(2, "0")).join("");
  try {
    let last;
    for (const [number, file] of wanted.entries()) {
      copying(`Copying ${file.name} (${number + 1} of ${wanted.length})…`);
      last = await (await ask("PUT", `uploads/${batch}/${encodeURIComponent(file.name)}`, file)).json();
    }
    copying("");
    await go(wanted.length > 1 ? last.folder : last.path);
  } catch (error) {
    copying("");
    if (!(error instanceof Trouble)) throw error;
    say(error.message);
  }
}

// The files of a drop; a folder gives what is in it.
async function dropped(transfer) {
  const entries = [...transfer.items].map((one) => one.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  const found = [];
  for (const entry of entries) await gather(entry, found);
  return found;
}

async function gather(entry, found) {
  if (entry.isFile) {
    found.push(await new Promise((give, fail) => entry.file(give, fail)));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((give, fail) => reader.readEntries(give, fail));
    if (!some.length) return;
    for (const one of some) await gather(one, found);
  }
}
