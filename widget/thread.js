// The conversation as it is shown: each message once, an answer while it is made.

import { box, el, own } from "./dom.js";
import { $, on, page, press, state, tell, words } from "./page.js";
import { acts, stars } from "./acts.js";
import { chime } from "./sound.js";

const log = $("log"), shown = new Map(), mine = new Map(), over = new Set();
const title = document.title;
let live, unread = 0, drawing;

// To the newest; of a long answer to where it begins.
function down() {
  const last = $("end").previousElementSibling;
  log.scrollTop = last.matches(".assistant") ? last.offsetTop - log.offsetTop - 12 : 1e9;
}

// Those who read on top are not pulled down.
function steady(change) {
  const low = log.scrollHeight - log.scrollTop - log.clientHeight < 150;
  change();
  if (low) down();
}

function bubble(role) {
  const node = el("article");
  node.className = `${role} in`;
  node.ariaLabel = role === "user" ? words.you : title;
  $("hello").hidden = true;
  log.insertBefore(node, (role === "assistant" && live?.node) || $("end"));
  return node;
}

function file(f) {
  const src = own(f.url || ""), kind = { image: "img", audio: "audio" }[f.kind];
  if (src && kind) return Object.assign(el(kind), { src, alt: f.name, controls: true, onload: () => steady(() => 0) });
  return Object.assign(el("a", `📎 ${f.name}`), src ? { href: src, target: "_blank" } : {});
}

// Marks and links are drawn by a module of their own, which comes with the first message that has some.
const MARKED = /[*_`#|~$\\[\]<>]|^\s*([-+]|\d+[.)])\s|\w[.:@]\/*\w/m, late = new Set();
let md, coming;

function marked(m, again) {
  const user = m.role === "user";
  if (md) return user ? md.links(m.text) : md.render(m.text, words.copy);
  if (MARKED.test(m.text)) {
    late.add(again);
    coming ||= import("/assets/markdown.js").then((got) => {
      md = got;
      steady(() => late.forEach((run) => run()));
      late.clear();
    }, () => { coming = 0; });
  }
  return [user ? m.text : Object.assign(el("p", m.text), { className: "pre" })];
}

function fill(node, m) {
  const nodes = m.text ? marked(m, () => fill(node, m)) : [], rest = node.querySelectorAll(":scope > :is(.acts, .chips, .note:not(.end))");
  const parts = page.split && m.role !== "user" ? nodes.map((n) => [n]) : nodes.length ? [nodes] : [];
  node.replaceChildren(
    ...(m.tools || []).map((t) => box("tool", `⚙ ${t}`)),
    ...parts.map((p) => box(m.role === "user" ? "b" : "b md", ...p)),
    ...(m.attachments || []).map((f) => box("b", file(f))),
    ...(m.stopped ? [box("note end", words.stopped)] : []),
    ...rest,
  );
  md?.typeset(node);
}

// A note below a message, with a way out.
export function note(node, text, action) {
  const p = box("note", text);
  if (action) p.append(press(() => { p.remove(); action(); }, {}, words.retry));
  node.append(p);
  return p;
}

// A message of this page that is on its way.
export function pending(one) {
  const node = bubble("user");
  fill(node, { role: "user", text: one.text, attachments: one.files.map((f) => ({ ...f, url: f.publicUrl })) });
  node.classList.add("wait");
  mine.set(one.cid, node);
  log.scrollTop = 1e9;
  return node;
}

export function arrived(cid, id) {
  const node = mine.get(cid);
  if (!node) return;
  node.classList.remove("wait");
  if (shown.has(id) && shown.get(id) !== node) node.remove();
  else shown.set(id, node);
}

// `node`: where the server has drawn it already.
export function message(m, node) {
  const id = m.message_id, user = m.role === "user";
  if (m.turn_id) over.add(m.turn_id);
  if (shown.has(id)) return;
  if (user && mine.has(m.client_message_id)) return arrived(m.client_message_id, id);
  steady(() => {
    const fresh = !node;
    if (fresh && !user && live?.turn === m.turn_id) {
      node = live.node;
      live = null;
    }
    node ||= bubble(m.role);
    shown.set(id, node);
    fill(node, m);
    if (!user) {
      node.append(box("chips", ...m.choices.map((c) => press(() => state.say(c.text), 0, c.label))), acts(m));
      state.last = m;
      state.count = (state.count || 0) + 1;
    }
    if (!fresh) return;
    if (!user) {
      if (!state.open || document.hidden) {
        tally(unread + 1);
        chime();
      }
      // Read out without marks: once what draws them has come.
      Promise.resolve(coming).then(() => {
        const body = [...node.querySelectorAll(".b")].map((b) => b.textContent).join("\n");
        $("live").append(el("p", body));
        if (document.hidden && on()) new Notification(title, { body, tag: id });
      });
    }
    tell("message", { id, role: m.role });
  });
  busy();
}

function tally(n) {
  tell("unread", { count: unread = n });
  document.title = n ? `(${n}) ${title}` : title;
}

export const seen = () => tally(0);

const busy = () => {
  $("stop").hidden = !live;
  $("send").hidden = !!live;
};

const draw = () => {
  drawing = 0;
  if (live) steady(() => live.node.lastChild.replaceChildren(...marked(live, draw)));
};

// A piece of an answer; false when pieces before it are missing.
export function delta(d) {
  if (over.has(d.turn)) return true;
  if (live?.turn !== d.turn) {
    live?.node.remove();
    live = null;
    const node = bubble("assistant");
    live = { turn: d.turn, text: "", node };
    steady(() => node.append(box("b md dots")));
    busy();
  }
  if (d.at > live.text.length) return false;
  live.text = live.text.slice(0, d.at) + d.text;
  drawing ||= setTimeout(draw, 30);
  return true;
}

export function tool(t) {
  if (live?.turn !== t.turn) return;
  const id = `t-${t.id}`, line = $(id) || Object.assign(box("tool"), { id });
  line.textContent = `⚙ ${t.explanation || t.name} ${{ started: "…", failed: "✗" }[t.state] || "✓"}`;
  live.node.lastChild.before(line);
}

export function ended(turn) {
  over.add(turn);
  if (live?.turn === turn) {
    live.node.remove();
    live = null;
  }
  busy();
}

// Messages that were taken back: to be asked again, or for good.
export function gone({ ids }) {
  for (const id of ids) {
    if (shown.get(id)) log.querySelector(".stars")?.remove();
    shown.get(id)?.remove();
    shown.set(id, null);
    if (state.last?.message_id === id) state.last = null;
  }
  $("hello").hidden = !!log.querySelector("article");
}

export function rate() {
  if (!state.last || log.querySelector(".stars")) return;
  steady(() => log.insertBefore(stars(state.last), $("end")));
}

// Where the chat goes on, and what to send from there; the visitor opens it, nothing is sent for them.
export const ways = (got) => $("ways").replaceChildren(...got.ways.map((w) => el("p", w.url ? Object.assign(el("a", w.url), { href: w.url, target: "_blank" }) : w.text)));

for (const node of document.querySelectorAll("[data-m]")) message(JSON.parse(node.dataset.m), node);
down();
