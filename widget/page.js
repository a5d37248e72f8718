// What every part of the chat page stands on.

import { el } from "./markdown.js";

export const $ = (id) => document.getElementById(id);
export const page = JSON.parse($("data").textContent);
export const words = page.words;
export const embedded = page.host && parent !== self;
export const base = () => `/api/v1/public/chat-clients/${page.key}`;
export const door = `/api/v1/public/web-chat-clients/${page.id}/sessions`;
export const status = (text) => { $("status").textContent = text; };
export const failed = (e) => status(e.message);
export const press = (run, more, ...inside) => Object.assign(el("button", ...inside), { onclick: run, ...more });
export const state = { open: !embedded, who: {} };

export const go = (path) => location.replace(`${path}?o=${page.host}`);

// The page around an embedded chat hears what happens, never what is said.
export const tell = (is, more) => embedded && parent.postMessage({ is, ...more }, page.host);

// An answer that refuses becomes an Error with its `status`; no answer at all becomes one without.
export async function call(method, path, body) {
  const response = await fetch(path, { method, body: body && !(body instanceof FormData) ? new Blob([JSON.stringify(body)], { type: "application/json" }) : body });
  const found = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(Error(found.error || words.error), { status: response.status });
  return found;
}

export const debug = (kind, data) => $("debug")?.prepend(`${new Date().toLocaleTimeString()} ${kind} ${JSON.stringify(data)}\n`);
