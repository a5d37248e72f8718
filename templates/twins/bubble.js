// Draws one message. Message text is data: it only ever becomes text nodes.

const SVG = "http://www.w3.org/2000/svg";
const TAGS = { bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code", pre: "pre", blockquote: "blockquote" };
// WhatsApp's own signs; ``` first, since ` is part of it.
const SIGNS = /```([\s\S]+?)```|`([^`\n]+)`|(?<![\w*])\*(\S(?:[^*\n]*\S)?)\*(?![\w*])|(?<![\w_])_(\S(?:[^_\n]*\S)?)_(?![\w_])|(?<![\w~])~(\S(?:[^~\n]*\S)?)~(?![\w~])/g;

export function el(name, props = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (key === "class") node.className = value;
    else if (key.startsWith("aria-") || key === "role" || key === "for") node.setAttribute(key, value);
    else node[key] = value;
  }
  node.append(...children.filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

export function icon(name, className = "") {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.setAttribute("aria-hidden", "true");
  if (className) svg.setAttribute("class", className);
  svg.append(use);
  return svg;
}

export function avatar(name, extra = "") {
  const letters = name.split(/\s+/).map((w) => w[0] ?? "").slice(0, 2).join("").toUpperCase();
  const node = el("span", { class: `avatar ${extra}`, "aria-hidden": "true" }, letters || "?");
  let hue = 0;
  for (const c of name) hue = (hue * 31 + c.codePointAt(0)) % 360;
  node.style.setProperty("--hue", hue);
  return node;
}

export function brief(message) {
  if (message.deleted) return "Deleted message";
  if (message.text) return message.text.replace(/\s+/g, " ");
  return { image: "Photo", voice: "Voice message", audio: "Audio", video: "Video", location: "Location", contact: "Contact", sticker: "Sticker" }[message.kind] ?? "File";
}

function safe(url) {
  return /^https?:\/\//i.test(url ?? "") ? url : null;
}

function linked(text) {
  // Plain addresses become links; everything else stays text.
  return text.split(/(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)])/g).map((part, n) =>
    n % 2 ? el("a", { href: part, target: "_blank", rel: "noopener noreferrer" }, part) : part);
}

function fromEntities(text, entities) {
  // Offsets count UTF-16 units, as JavaScript's strings do.
  function inside(start, end, list) {
    const out = [];
    let at = start;
    for (let n = 0; n < list.length; n += 1) {
      const e = list[n];
      if (e.offset < at) continue;
      const stop = Math.min(e.offset + e.length, end);
      if (e.offset > at) out.push(...linked(text.slice(at, e.offset)));
      out.push(wrap(e, inside(e.offset, stop, list.slice(n + 1).filter((x) => x.offset + x.length <= stop))));
      at = stop;
    }
    if (at < end) out.push(...linked(text.slice(at, end)));
    return out;
  }
  return inside(0, text.length, entities);
}

function wrap(entity, children) {
  if (TAGS[entity.type]) return el(TAGS[entity.type], {}, ...children);
  if (entity.type === "spoiler") return el("span", { class: "spoiler", tabIndex: 0 }, ...children);
  if (entity.type === "text_link" && safe(entity.url)) return el("a", { href: entity.url, target: "_blank", rel: "noopener noreferrer" }, ...children.map((c) => (c.textContent ?? c)));
  return el("span", {}, ...children);
}

function fromSigns(text) {
  const out = [];
  let at = 0;
  for (const found of text.matchAll(SIGNS)) {
    out.push(...linked(text.slice(at, found.index)));
    const [, block, code, bold, italic, struck] = found;
    if (block) out.push(el("pre", {}, block.replace(/^\n/, "")));
    else if (code) out.push(el("code", {}, code));
    else if (bold) out.push(el("strong", {}, ...fromSigns(bold)));
    else if (italic) out.push(el("em", {}, ...fromSigns(italic)));
    else out.push(el("s", {}, ...fromSigns(struck)));
    at = found.index + found[0].length;
  }
  out.push(...linked(text.slice(at)));
  return out;
}

// Rich messages: Telegram's own blocks. Their text is data as well.
const INLINE = { bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code", mathematical_expression: "code" };

function inline(text) {
  if (typeof text === "string") return [text];
  if (Array.isArray(text)) return text.flatMap(inline);
  const inside = text.type === "mathematical_expression" ? [text.expression] : inline(text.text ?? "");
  if (text.type === "url" && safe(text.url)) return [el("a", { href: text.url, target: "_blank", rel: "noopener noreferrer" }, ...inside)];
  return [el(INLINE[text.type] ?? "span", {}, ...inside)];
}

function block(one) {
  if (one.type === "heading") return el(`h${Math.min(6, one.size + 2)}`, {}, ...inline(one.text));
  if (one.type === "pre") return el("pre", {}, ...inline(one.text));
  if (one.type === "divider") return el("hr");
  if (one.type === "mathematical_expression") return el("pre", { class: "formula" }, one.expression);
  if (one.type === "blockquote") return el("blockquote", {}, ...one.blocks.map(block));
  if (one.type === "list") return el("ul", {}, ...one.items.map((item) => el("li", {}, ...item.blocks.map(block))));
  if (one.type !== "table") return el("p", {}, ...inline(one.text ?? ""));
  const rows = one.cells.map((row) => el("tr", {}, ...row.map((cell) => el(cell.is_header ? "th" : "td", { class: cell.align }, ...inline(cell.text ?? "")))));
  return el("table", {}, ...rows);
}

function words(message) {
  if (message.deleted) return [el("div", { class: "words" }, "This message was deleted")];
  if (message.rich?.length) return [el("div", { class: "words rich" }, ...message.rich.map(block))];
  if (!message.text) return [];
  const nodes = message.network === "telegram" ? fromEntities(message.text, message.entities) : fromSigns(message.text);
  return [el("div", { class: "words" }, ...nodes)];
}

function thing(symbol, title, note, href) {
  const props = href ? { class: "thing", href, target: "_blank", rel: "noopener noreferrer" } : { class: "thing" };
  return el(href ? "a" : "div", props, el("span", {}, icon(symbol)), el("span", {}, title, note ? el("small", {}, note) : null));
}

function media(message) {
  if (message.deleted) return [];
  if (message.place) {
    const { latitude, longitude, name, address } = message.place;
    return [thing("pin", name || "Location", address || `${latitude}, ${longitude}`)];
  }
  if (message.card) return [thing("card", message.card.name || "Contact", message.card.phone)];
  const file = message.file;
  if (!file) return [];
  const size = file.size > 1048576 ? `${(file.size / 1048576).toFixed(1)} MB` : `${Math.max(1, Math.round(file.size / 1024))} kB`;
  if (!file.url) return [thing("file", file.name, `not fetched: ${file.source}`)];
  if (file.mime.startsWith("image/")) return [el("img", { class: "picture", src: file.url, alt: message.text || file.name })];
  if (file.mime.startsWith("audio/")) return [el("audio", { controls: true, preload: "metadata", src: file.url, "aria-label": file.name })];
  if (file.mime.startsWith("video/")) return [el("video", { controls: true, preload: "metadata", src: file.url, "aria-label": file.name })];
  return [thing("file", file.name, size, file.url)];
}

function buttons(message, press) {
  if (!message.buttons.length || message.deleted) return [];
  const row = message.buttons.map((b) => safe(b.url)
    ? el("a", { href: b.url, target: "_blank", rel: "noopener noreferrer" }, b.text ?? "")
    : el("button", { type: "button", onclick: () => press(b) }, b.text ?? ""));
  return [el("div", { class: "buttons" }, ...row)];
}

function tick(message) {
  const said = { queued: ["clock", "waiting"], sent: ["tick", "sent"], delivered: ["ticks", "delivered"], read: ["ticks", "read"], failed: ["warn", "failed"] };
  const [name, label] = said[message.status] ?? said.sent;
  return el("span", { class: message.status, title: message.error ?? label, role: "img", "aria-label": message.error ? `failed: ${message.error}` : label }, icon(name));
}

function meta(message, older) {
  const time = new Date(message.at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const count = message.edits.length;
  const edited = count ? el("button", { type: "button", "aria-expanded": String(!older.hidden), onclick: (event) => {
    older.hidden = !older.hidden;
    event.currentTarget.setAttribute("aria-expanded", String(!older.hidden));
  } }, count > 1 ? `edited ${count}×` : "edited") : null;
  const human = message.by === "human" ? el("span", {}, "by a human") : null;
  return el("div", { class: "meta" }, human, edited, el("time", {}, time), tick(message));
}

export function bubble(message, find, on) {
  const mine = message.side === "person";
  const quoted = message.reply_to ? find(message.reply_to) : null;
  const older = el("ol", { class: "before", hidden: true }, ...message.edits.map((e) => el("li", {}, e.text || "…")));
  const reactions = Object.values(message.reactions).filter(Boolean).join("");
  const box = el("div", { class: `bubble${reactions ? " reacted" : ""}` },
    quoted ? el("button", { class: "quoted", type: "button", onclick: () => on.jump(message.reply_to) }, brief(quoted)) : null,
    ...media(message), ...words(message), ...buttons(message, (b) => on.press(message, b)),
    meta(message, older), message.edits.length ? older : null,
    reactions ? el("span", { class: "reaction" }, reactions) : null);
  const act = el("button", { type: "button", class: "round act", "aria-label": "Act on this message", "aria-haspopup": "menu", onclick: (event) => on.act(message, event.currentTarget) }, icon("dots"));
  const node = el("li", { class: `message${mine ? " mine" : ""}${message.deleted ? " gone" : ""}` }, box, message.deleted ? null : act);
  node.dataset.id = message.id;
  return node;
}
