// Markdown as DOM nodes, never as HTML: what a model says is data. Chat and inbox load it when something has marks.

import { el, own, parsed } from "./dom.js";

const URL_ = /(?<![\p{L}\p{N}])(?:https?:\/\/|www\.)[^\s<>"]*[^\s<>".,;:!?'*_~`|$)\]}]/.source;
const MAIL = /(?<![\p{L}\p{N}._%+-])[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.\p{L}{2,}/.source;
const SPANS = new RegExp([
  /\\(?!\[[\s\S]+?\\\]|\([\s\S]+?\\\))([\\`*_{}[\]()#+\-.!|~>$<])/,
  /(`+)([\s\S]*?[^`])\2(?!`)/,
  /\$\$([^$]+)\$\$|\\\[([\s\S]+?)\\\]/,
  /\$(?=\S)((?:\\\$|[^$\n]){0,500}?[^\s\\])\$(?!\d)|\\\(([\s\S]+?)\\\)/,
  /(\*\*\*|\*\*|~~|\*)(?=\S)((?:[^\n]|\n(?!\n)){0,2000}?\S)\8/,
  /(?<![\p{L}\p{N}_])(__?)(?=\S)([^\n]{0,2000}?\S)\10(?![\p{L}\p{N}_])/,
  /(!?)\[((?:[^[\]\n]|\[[^[\]\n]*\])*)\]\(\s*<?((?:[^\s()<>]|\([^\s()]*\))+)>?(?:\s+"[^"\n]*")?\s*\)/,
  /<((?:https?:\/\/|mailto:)[^\s<>]+)>/,
  new RegExp(`(${URL_})`),
  new RegExp(`(${MAIL})`),
].map((r) => r.source).join("|"), "gu");
const BARE = new RegExp(`(${URL_})|(${MAIL})`, "gu");
const MARKS = { "*": "em", _: "em", "~~": "s" };
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])(?:(\s+)(.*))?$/;
const TASK = /^\[([ xX])\]\s+/;
const FENCE = /^\s*(`{3,}|~{3,})\s*([\w+#.-]*)/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const RULE = /^\s*([-*_])(\s*\1){2,}\s*$/;
const QUOTE = /^ {0,3}> ?/;
const BLOCK = [/^\s*\$\$/, /^\s*\\\[/];
const PARTED = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

function link(inside, href, picture) {
  const to = /^www\./.test(href) ? `https://${href}` : href, src = own(to);
  if (!/^(https?|mailto|tel):$/.test(parsed(to).protocol)) return inside;
  if (picture && src) return [Object.assign(el("img"), { src, alt: picture === true ? "" : picture, loading: "lazy" })];
  return [Object.assign(el("a", ...inside.length ? inside : [href]), { href: parsed(to), target: "_blank", rel: "noopener nofollow ugc" })];
}

function math(tex, block) {
  const node = el(block ? "div" : "span", block ? `$$${tex}$$` : `$${tex}$`);
  node.className = block ? "math block" : "math";
  node.dataset.tex = tex.trim();
  if (block) node.tabIndex = 0;
  return node;
}

// A bracket that an address has opened belongs to it.
const whole = (text, href, at) => text[at] === ")" && href.split("(").length > href.split(")").length ? `${href})` : href;

function spans(text, deep = 0) {
  if (deep > 12) return [text];
  const out = [];
  let at = 0;
  for (const m of text.matchAll(SPANS)) {
    if (m.index > at) out.push(text.slice(at, m.index));
    at = m.index + m[0].length;
    if (m[1]) out.push(m[1]);
    else if (m[2]) out.push(el("code", m[3].replace(/^ (.*\S.*) $/s, "$1")));
    else if (m[4] || m[5]) out.push(math(m[4] || m[5], true));
    else if (m[6] || m[7]) out.push(math(m[6] || m[7]));
    else if (m[8]) {
      const inside = spans(m[9], deep + 1);
      out.push(m[8] === "***" ? el("strong", el("em", ...inside)) : el(MARKS[m[8]] || "strong", ...inside));
    } else if (m[10]) out.push(el(MARKS[m[10]] || "strong", ...spans(m[11], deep + 1)));
    else if (m[14]) out.push(...link(m[12] ? [m[13]] : spans(m[13], deep + 1), m[14], m[12] && (m[13] || true)));
    else if (m[15]) out.push(...link([m[15].replace(/^mailto:/, "")], m[15]));
    else if (m[16]) {
      const href = whole(text, m[16], at);
      at = m.index + href.length;
      out.push(...link([href], href));
    }
    else out.push(...link([m[17]], `mailto:${m[17]}`));
  }
  if (at < text.length) out.push(text.slice(at));
  return out;
}

// What a person wrote: their words as they are, with links.
export function links(text) {
  const out = [];
  let at = 0;
  for (const m of text.matchAll(BARE)) {
    if (m.index > at) out.push(text.slice(at, m.index));
    at = m.index + m[0].length;
    const href = m[1] && whole(text, m[1], at);
    if (href) at = m.index + href.length;
    out.push(...link([href || m[0]], href || `mailto:${m[0]}`));
  }
  if (at < text.length) out.push(text.slice(at));
  return out;
}

const indent = (line) => /^\s*/.exec(line)[0].replace(/\t/g, "    ").length;
const dedent = (line, by) => line.replace(/^\s*/, (all) => " ".repeat(Math.max(0, all.replace(/\t/g, "    ").length - by)));
const kind = (mark) => /\d/.test(mark) ? "ol" : "ul";
const begins = (l, next) => !l.trim() || HEADING.test(l) || FENCE.test(l) || QUOTE.test(l) || RULE.test(l) || BLOCK.some((r) => r.test(l))
  || (/\|/.test(l) && next !== undefined && /\|/.test(next) && PARTED.test(next));

// A list from line `i` on: [node, the line after it].
function listed(lines, i, copy, deep) {
  const first = ITEM.exec(lines[i]), node = el(kind(first[2])), depth = indent(lines[i]);
  const number = parseInt(first[2], 10);
  if (number !== 1 && number >= 0) node.start = number;
  while (i < lines.length) {
    const m = ITEM.exec(lines[i]);
    if (!m || kind(m[2]) !== kind(first[2]) || indent(lines[i]) > depth + 1 || indent(lines[i]) < depth) break;
    const offset = depth + m[2].length + Math.min(4, (m[3] || " ").length), inside = [m[4] || ""];
    for (i++; i < lines.length; i++) {
      const line = lines[i], far = indent(line);
      if (!line.trim()) {
        // A blank line ends the item unless what comes next belongs to it.
        const next = lines.slice(i).find((l) => l.trim());
        if (next === undefined || indent(next) < Math.min(offset, depth + 2)) break;
        inside.push("");
      } else if (far >= Math.min(offset, depth + 2) || (ITEM.test(line) && far > depth + 1)) inside.push(dedent(line, Math.min(offset, far)));
      else if (ITEM.test(line) || begins(line, lines[i + 1]) || !inside.at(-1).trim()) break;
      else inside.push(line.trim());
    }
    const task = TASK.exec(inside[0]);
    if (task) inside[0] = inside[0].replace(TASK, "");
    const made = blocks(inside, copy, deep + 1), item = el("li", ...(made[0]?.tagName === "P" ? [...made[0].childNodes, ...made.slice(1)] : made));
    if (task) {
      item.className = "task";
      item.prepend(Object.assign(el("input"), { type: "checkbox", disabled: true, checked: task[1] !== " ", ariaLabel: task[1] === " " ? "☐" : "☑" }));
    }
    node.append(item);
    const next = lines.findIndex((l, n) => n >= i && l.trim());
    const again = next >= 0 && ITEM.exec(lines[next]);
    if (again && kind(again[2]) === kind(first[2]) && Math.abs(indent(lines[next]) - depth) < 2) i = next;
    else break;
  }
  return [node, i];
}

const cells = (line) => line.trim().replace(/^\||(?<!\\)\|$/g, "").split(/(?<!\\)\|(?=(?:[^`]*`[^`]*`)*[^`]*$)/).map((c) => c.trim());

function table(lines) {
  const sides = cells(lines[1]).map((c) => c.endsWith(":") ? c.startsWith(":") ? "center" : "end" : "");
  const row = (line, name) => el("tr", ...cells(line).map((c, n) => {
    const cell = el(name, ...spans(c.replace(/\\\|/g, "|").replace(/<br\s*\/?>/gi, "\n")));
    if (sides[n]) cell.style.textAlign = sides[n];
    if (name === "th") cell.scope = "col";
    return cell;
  }));
  const body = lines.slice(2).map((l) => row(l, "td"));
  const box = el("div", el("table", el("thead", row(lines[0], "th")), el("tbody", ...body)));
  box.className = "t";
  box.tabIndex = 0;
  return box;
}

function code(text, language, copy) {
  const box = Object.assign(el("pre", el("code", text)), { tabIndex: 0 });
  if (language) box.dataset.language = language;
  if (!copy) return box;
  const button = Object.assign(el("button", copy), { type: "button" });
  button.onclick = () => navigator.clipboard?.writeText(text).then(() => {
    button.textContent = "✓";
    setTimeout(() => { button.textContent = copy; }, 1500);
  });
  return Object.assign(el("div", box, button), { className: "code" });
}

function paragraph(lines) {
  return el("p", ...spans(lines.map((l) => l.trim()).join("\n")).flatMap((part) => typeof part !== "string" ? [part]
    : part.split("\n").flatMap((line, n) => n ? [el("br"), line] : [line])));
}

function blocks(lines, copy, deep = 0) {
  if (deep > 20) return [el("p", lines.join("\n"))];
  const nodes = [], depths = [];
  for (let i = 0; i < lines.length; ) {
    const line = lines[i], fence = FENCE.exec(line), heading = HEADING.exec(line);
    const until = (ok) => {
      const from = i++;
      while (i < lines.length && ok(lines[i], lines[i + 1])) i++;
      return lines.slice(from, i);
    };
    const open = BLOCK.findIndex((r) => r.test(line));
    if (!line.trim()) i++;
    else if (fence) {
      const end = lines.findIndex((l, n) => n > i && l.trim().startsWith(fence[1]) && !l.trim().replace(/[`~]/g, ""));
      const stop = end < 0 ? lines.length : end;
      nodes.push(code(lines.slice(i + 1, stop).map((l) => dedent(l, indent(line))).join("\n"), fence[2], copy));
      i = stop + 1;
    } else if (open >= 0) {
      const close = ["$$", "\\]"][open], start = line.trim().slice(2);
      const end = start.includes(close) ? i : lines.findIndex((l, n) => n > i && l.includes(close));
      const whole = end < 0 ? null : [start, ...lines.slice(i + 1, end + 1)].join("\n");
      const rest = whole?.slice(whole.indexOf(close) + 2).trim();
      if (!whole || rest) {
        nodes.push(paragraph(until((l) => !begins(l))));
        continue;
      }
      nodes.push(math(whole.slice(0, whole.indexOf(close)), true));
      i = end + 1;
    } else if (heading) {
      // A level below the page's title, and none is left out, whatever the writer began with.
      while (depths.at(-1) >= heading[1].length) depths.pop();
      depths.push(heading[1].length);
      nodes.push(el(`h${Math.min(6, 1 + depths.length)}`, ...spans(heading[2])));
      i++;
    } else if (RULE.test(line)) {
      nodes.push(el("hr"));
      i++;
    } else if (ITEM.test(line)) {
      const [node, next] = listed(lines, i, copy, deep);
      nodes.push(node);
      i = next;
    } else if (QUOTE.test(line)) {
      nodes.push(el("blockquote", ...blocks(until((l) => QUOTE.test(l) || (l.trim() && !begins(l) && !ITEM.test(l))).map((l) => l.replace(QUOTE, "")), copy, deep + 1)));
    } else if (/\|/.test(line) && /\|/.test(lines[i + 1] || "") && PARTED.test(lines[i + 1])) nodes.push(table(until((l) => l.trim() && /\|/.test(l))));
    else nodes.push(paragraph(until((l, next) => !begins(l, next) && !(ITEM.test(l) && !/^\s*\d/.test(l)) && !/^\s*1[.)]\s/.test(l))));
  }
  return nodes;
}

// copy: the word on the buttons of code; without it there are none.
export const render = (text, copy) => blocks(text.split(/\r?\n/), copy);

// Formulas, drawn by a renderer that is loaded when the first one occurs; until then, and without it, their source stays.
export async function typeset(root) {
  const found = [...root.querySelectorAll(".math:not([data-drawn])")];
  if (!found.length) return;
  for (const one of found) one.dataset.drawn = "";
  const { draw } = await import("/assets/math.js").catch(() => ({}));
  if (draw) for (const one of found) draw(one, one.dataset.tex, one.classList.contains("block"));
}
