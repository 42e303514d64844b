// Talking to the studio: requests with the token, and the stream of events.

const KEY = "nakawari-token";
const fromAddress = location.hash.slice(1);
if (fromAddress) {
  sessionStorage.setItem(KEY, fromAddress);
  history.replaceState(null, "", location.pathname); // the token does not stay in the address bar
}
let token = sessionStorage.getItem(KEY) ?? "";

export class Trouble extends Error {}

export async function ask(method, path, body) {
  const headers = { authorization: `Bearer ${token}` };
  if (body !== undefined && !(body instanceof Blob)) {
    headers["content-type"] = "application/json";
    body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(`/api/${path}`, { method, headers, body, cache: method === "GET" ? "default" : "no-store" });
  } catch {
    throw new Trouble("The studio does not answer. Is it still running?");
  }
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Trouble(said.error ?? `The studio answered ${answer.status}.`);
  }
  return answer;
}

export const get = async (path) => (await ask("GET", path)).json();
export const post = async (path, body = {}) => (await ask("POST", path, body)).json();
export const remove = async (path) => (await ask("DELETE", path)).json();

export async function download(path, name) {
  saveAs(await (await ask("GET", path)).blob(), name);
}

export function saveAs(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// Calls `hear` for each event, for as long as the page is open; `lost` when the studio is gone, `found` when it is back.
export async function listen(hear, lost, found) {
  for (;;) {
    try {
      const answer = await ask("GET", "events");
      found();
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        const lines = (rest + value).split("\n");
        rest = lines.pop();
        for (const line of lines) if (line) hear(JSON.parse(line));
      }
    } catch (error) {
      lost(error.message);
    }
    await new Promise((go) => setTimeout(go, 1500));
  }
}
