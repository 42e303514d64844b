// Rendering the whole, and saving what was decided.

import { download, post, saveAs } from "./api.js";

const dialog = document.getElementById("render-dialog");
const path = document.getElementById("render-path");
const crf = document.getElementById("render-crf");
const overwrite = document.getElementById("render-overwrite");
const trouble = document.getElementById("render-trouble");

export function ready(current) {
  dialog.addEventListener("submit", async (event) => {
    event.preventDefault(); // closed once it has begun
    const { project } = current();
    const encode = crf.value.trim() === "" ? {} : { crf: Number(crf.value) };
    try {
      await post(`projects/${project.id}/render`, { output: path.value, overwrite: overwrite.checked, encode });
      dialog.close();
    } catch (error) {
      trouble.textContent = error.message;
      trouble.hidden = false;
    }
  });
  const save = (id, act) => document.getElementById(id).addEventListener("click", async () => {
    try {
      await act(current());
    } catch (error) {
      trouble.textContent = error.message;
      trouble.hidden = false;
    }
  });
  save("save-plan", ({ project }) => download(`projects/${project.id}/plan`, `${project.name}.plan.json`));
  save("save-project", ({ project }) => download(`projects/${project.id}/file`, `${project.name}.nakawari.json`));
  save("save-frame", async ({ project, viewer, stop }) => {
    const blob = await viewer.toBlob();
    if (blob) saveAs(blob, `${project.name}-${stop}.png`);
  });
}

export function show(project, exports_) {
  trouble.hidden = true;
  const stem = project.name.replace(/\.[^.]+$/, "").replace(/[^\w.-]+/g, "_") || "clip";
  const fps = Number(project.settings.rate_number.toFixed(3));
  if (dialog.dataset.project !== project.id) path.value = `${exports_}/${stem}_${fps}fps.mp4`;
  dialog.dataset.project = project.id;
  dialog.showModal();
  path.focus();
}
