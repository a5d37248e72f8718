// What every part of the chat page stands on.

export const $ = (id) => document.getElementById(id);
export const page = JSON.parse($("data").textContent);
export const words = page.words;
export const embedded = page.host && parent !== self;
export const base = () => `/api/v1/public/chat-clients/${page.key}`;
export const door = `/api/v1/public/web-chat-clients/${page.id}/sessions`;
export const status = (text) => { $("status").textContent = text; };
export const state = { open: !embedded, who: {} };

// The page around an embedded chat hears what happens, never what is said.
export const tell = (is, more) => embedded && parent.postMessage({ is, ...more }, page.host);

// An answer that refuses becomes an Error with its `status`; no answer at all becomes one without.
export async function call(method, path, body) {
  const json = body && !(body instanceof FormData);
  const response = await fetch(path, { method, body: json ? JSON.stringify(body) : body, headers: json ? { "Content-Type": "application/json" } : {} });
  const found = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(Error(found.error || words.error), { status: response.status });
  return found;
}

export const debug = (kind, data) => $("debug")?.prepend(`${new Date().toLocaleTimeString()} ${kind} ${JSON.stringify(data)}\n`);
