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
        const [shown, spoken] = named(key);
        made.textContent = shown;
        if (spoken) {
          made.setAttribute("aria-hidden", "true");
          const words = document.createElement("span");
          words.className = "hidden";
          words.textContent = spoken;
          name.append(words);
        }
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

const ARROWS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };

// A key as it is shown, and as it is said where that is no word.
function named(key) {
  const shown = key.replace(/Arrow\w+/, (arrow) => ARROWS[arrow]).replace("Page", "Page ");
  return [shown, key.includes("Arrow") ? `${key.replace("Arrow", "")} arrow` : ""];
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
