// The hosted chat page: one session, streamed answers, files, stop, retry.

import { render } from "./markdown.js";

const $ = (id) => document.getElementById(id);
const { key, accent, modes, suggestions } = document.body.dataset;
const words = $("words").dataset;
const base = `/api/v1/public/chat-clients/${encodeURIComponent(key)}`;
const log = $("log"), text = $("text"), status = $("status");
let busy = null, files = [], shown = new Set();

if (accent) document.documentElement.style.setProperty("--accent", accent);

function bubble(role, id) {
  $("hello").hidden = true;
  const article = document.createElement("article");
  article.className = role;
  article.setAttribute("aria-label", role === "user" ? words.you : words.bot);
  const body = document.createElement("div");
  body.className = "bubble";
  article.append(body);
  log.append(article);
  if (id) shown.add(id);
  return body;
}

function put(body, role, content) {
  const near = log.scrollHeight - log.scrollTop - log.clientHeight < 120;
  if (role === "user") body.textContent = content;
  else body.replaceChildren(...render(content));
  if (near) log.scrollTop = log.scrollHeight;
}

function note(body, label, action) {
  const p = document.createElement("p");
  p.className = "note";
  p.append(label);
  if (action) {
    const b = document.createElement("button");
    b.type = "button";
    b.textContent = words.retry;
    b.onclick = () => { p.remove(); action(); };
    p.append(" ", b);
  }
  body.parentElement.append(p);
}

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const blocks = rest.split(/\n\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").filter((l) => l.startsWith("data:")).map((l) => l.slice(5).trim()).join("\n");
      if (data === "[DONE]") return;
      if (data) yield JSON.parse(data);
    }
  }
}

async function ask(prompt, clientId) {
  const body = bubble("assistant");
  body.className = "bubble dots";
  busy = new AbortController();
  $("send").hidden = true;
  $("stop").hidden = false;
  let said = "";
  try {
    const response = await fetch(`${base}/stream`, {
      method: "POST", signal: busy.signal, headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ prompt, clientMessageId: clientId }),
    });
    if (!response.ok) throw new Error((await response.json().catch(() => ({}))).error || words.error);
    for await (const event of events(response)) {
      if (event.error) throw new Error(event.error.message || words.error);
      const delta = event.choices?.[0]?.delta?.content;
      if (!delta) continue;
      said += delta;
      body.classList.remove("dots");
      put(body, "assistant", said);
    }
    if (!said) body.parentElement.remove();
  } catch (e) {
    body.classList.remove("dots");
    if (!said) body.remove(); else put(body, "assistant", said);
    const holder = said ? body : bubble("assistant");
    if (!said) holder.remove();
    note(said ? body : lastBubble(), e.name === "AbortError" ? words.stopped : e.message || words.error, () => ask(prompt, clientId));
  } finally {
    busy = null;
    $("send").hidden = false;
    $("stop").hidden = true;
    body.classList.remove("dots");
    text.focus();
  }
}

const lastBubble = () => log.querySelector("article:last-of-type .bubble") || bubble("assistant");

async function submit(value) {
  const content = value.trim();
  if (busy || (!content && !files.length)) return;
  const sent = files;
  files = [];
  listed();
  put(bubble("user"), "user", [content, ...sent.map((f) => `📎 ${f.name}`)].filter(Boolean).join("\n"));
  log.scrollTop = log.scrollHeight;
  const parts = [...(content ? [{ type: "text", text: content }] : []), ...sent.map((f) => ({ type: "file", file: { file_id: f.id } }))];
  await ask({ role: "user", content: sent.length ? parts : content }, crypto.randomUUID?.() || String(Math.random()).slice(2));
}

function listed() {
  $("files").hidden = !files.length;
  $("files").replaceChildren(...files.map((f) => Object.assign(document.createElement("li"), { textContent: f.name })));
}

async function upload(file) {
  status.textContent = file.name;
  const form = new FormData();
  form.append("file", file);
  const response = await fetch(`${base}/attachments`, { method: "POST", body: form });
  const answer = await response.json().catch(() => ({}));
  status.textContent = response.ok ? "" : answer.error || words.error;
  if (response.ok) { files.push(answer); listed(); }
}

$("form").addEventListener("submit", (e) => { e.preventDefault(); const v = text.value; text.value = ""; grow(); submit(v); });
text.addEventListener("keydown", (e) => { if (e.key === "Enter" && !e.shiftKey && !e.isComposing) { e.preventDefault(); $("form").requestSubmit(); } });
const grow = () => { text.style.height = "auto"; text.style.height = `${text.scrollHeight}px`; };
text.addEventListener("input", grow);
$("stop").addEventListener("click", async () => { await fetch(base, { method: "DELETE" }).catch(() => {}); busy?.abort(); });
$("reset").addEventListener("click", async () => {
  const r = await fetch(`${base}/reset`, { method: "POST" });
  if (r.ok) { log.querySelectorAll("article").forEach((a) => a.remove()); $("hello").hidden = false; shown.clear(); text.focus(); }
});
$("file").addEventListener("change", async (e) => { for (const f of e.target.files) await upload(f); e.target.value = ""; });
if (modes.includes("image") || modes.includes("document") || modes.includes("audio")) $("attach").hidden = false;

for (const s of JSON.parse(suggestions || "[]")) {
  const b = Object.assign(document.createElement("button"), { type: "button", textContent: s.label });
  b.addEventListener("click", () => submit(s.prompt));
  $("suggestions").append(b);
}

async function refresh() {
  const response = await fetch(base);
  if (!response.ok) { status.textContent = (await response.json().catch(() => ({}))).error || words.error; return; }
  for (const m of (await response.json()).messages) {
    if (!shown.has(m.message_id) && m.content) put(bubble(m.role, m.message_id), m.role, m.content);
  }
  log.scrollTop = log.scrollHeight;
}

refresh().then(() => {
  // Messages that arrive without being asked for: an operator, a schedule, another tab.
  const source = new EventSource(`${base}/events`);
  source.addEventListener("message", (e) => {
    const m = JSON.parse(e.data);
    if (busy || shown.has(m.message_id) || m.role !== "assistant" || m.source === "model") return;
    put(bubble(m.role, m.message_id), m.role, m.content);
  });
});
text.focus();
