// The keyboard: one table, which also makes the page of help.

export class Keys {
  #table;

  // table: [[keys, words, act], …]; keys such as ["Space"], ["Ctrl+Z"], ["Shift+ArrowLeft"]
  constructor(table) {
    this.#table = table;
    document.addEventListener("keydown", (event) => this.#press(event));
  }

  help(root) {
    const rows = [];
    for (const [keys, words] of this.#table) {
      const [name, what] = [document.createElement("dt"), document.createElement("dd")];
      for (const key of keys) {
        const made = document.createElement("kbd");
        made.textContent = key.replace("Arrow", "").replace("Left", "←").replace("Right", "→").replace("Up", "↑").replace("Down", "↓");
        name.append(made);
      }
      what.textContent = words;
      rows.push(name, what);
    }
    root.replaceChildren(...rows);
  }

  #press(event) {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const name = nameOf(event);
    const typing = event.target.closest("input:not([type=range]):not([type=checkbox]), textarea");
    if (typing) return;
    const own = event.target.closest("select, input[type=range]");
    if (own && !event.ctrlKey && /^(Arrow|Home|End|Page|[a-z0-9]$|Space|Enter)/i.test(name)) return;
    if (event.target.closest("button, [role=radio]") && (name === "Space" || name === "Enter")) return;
    for (const [keys, , act] of this.#table) {
      if (!keys.includes(name)) continue;
      event.preventDefault();
      act(event);
      return;
    }
  }
}

function nameOf(event) {
  let key = event.key === " " ? "Space" : event.key;
  if (key.length === 1) key = key.toUpperCase();
  const symbol = key.length === 1 && !/[A-Z0-9]/.test(key);
  return [
    (event.ctrlKey || event.metaKey) && "Ctrl",
    event.altKey && "Alt",
    event.shiftKey && !symbol && "Shift",
    key,
  ].filter(Boolean).join("+");
}
