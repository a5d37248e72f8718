// What every part of the chat page stands on.

import { el } from "./dom.js";

export const $ = (id) => document.getElementById(id);
export const page = JSON.parse($("data").textContent);
export const words = page.words;
export const embedded = page.host && parent !== self;
export const base = () => `/api/v1/public/chat-clients/${page.key}`;
export const door = `/api/v1/public/web-chat-clients/${page.id}/sessions`;
export const status = (text) => { $("status").textContent = text; };
export const failed = (e) => status(e.message);
export const press = (run, more, ...inside) => Object.assign(el("button", ...inside), { onclick: run, ...more });
export const state = { open: !embedded, who: {}, person: page.person };
// Nothing to say but who answers.
export const calm = () => status(state.person ? words.person : "");
// Whether the visitor wants to be told of what comes while they look elsewhere.
export const on = () => self.Notification?.permission === "granted";

export const go = (path) => location.replace(`${path}?o=${page.host}`);

// The page around an embedded chat hears what happens, never what is said.
export const tell = (is, more) => embedded && parent.postMessage({ is, ...more }, page.host);

// An answer that refuses becomes an Error with its `status`; no answer at all becomes one without.
export async function call(method, path, body) {
  const response = await fetch(path, { method, body: body && !(body instanceof FormData) ? new Blob([JSON.stringify(body)], { type: "application/json" }) : body });
  const found = await response.json().catch(() => ({})), code = response.status;
  if (!response.ok) {
    const until = new Date(Date.now() + 1e3 * response.headers.get("Retry-After")).toLocaleTimeString(document.documentElement.lang, { timeStyle: "short" });
    throw Object.assign(Error((words[found.code] || words[code])?.replace("{}", until) || found.error || words.error), { status: code });
  }
  return found;
}

export const debug = (kind, data) => $("debug")?.prepend(`${new Date().toLocaleTimeString()} ${kind} ${JSON.stringify(data)}\n`);
