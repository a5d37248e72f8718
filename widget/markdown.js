// Markdown as DOM nodes, never as HTML: what a model says is data.

const SPANS = /(`+)([\s\S]*?[^`])\1(?!`)|(\*\*|~~|\*)(?=\S)([^\n]*?\S)\3|(?<![\p{L}\p{N}])(__?)([^\n]+?)\5(?![\p{L}\p{N}])|(!?)\[([^\]\n]*)\]\(([^\s)]+)\)|(https?:\/\/[^\s<>()]+[^\s<>().,;:!?])/gu;
const MARKS = { "*": "em", _: "em", "~~": "s" };
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const FENCE = /^\s*(`{3,}|~{3,})/;
const ROW = /^\s*\|.*\|\s*$/;

export const el = (name, ...children) => {
  const node = document.createElement(name);
  node.append(...children);
  return node;
};

const parsed = (href) => URL.canParse(href, location) ? new URL(href, location) : {};

// The hub's own files; other pictures stay links, for loading them would tell their host who reads.
export const own = (href) => /^\/media\/\w+$/.test(parsed(href).pathname) && parsed(href).pathname;

function link(text, href, picture) {
  const src = own(href);
  if (!/^(https?|mailto|tel):$/.test(parsed(href).protocol)) return text;
  if (picture && src) return Object.assign(el("img"), { src, alt: text });
  return Object.assign(el("a", text || href), { href: parsed(href), target: "_blank", rel: "noopener nofollow ugc" });
}

function spans(text) {
  const out = [];
  let at = 0;
  for (const m of text.matchAll(SPANS)) {
    if (m.index > at) out.push(text.slice(at, m.index));
    at = m.index + m[0].length;
    if (m[1]) out.push(el("code", m[2].trim()));
    else if (m[3] || m[5]) out.push(el(MARKS[m[3] || m[5]] || "strong", ...spans(m[4] || m[6])));
    else out.push(m[10] ? link(m[10], m[10]) : link(m[8], m[9], m[7]));
  }
  if (at < text.length) out.push(text.slice(at));
  return out;
}

function listed(lines) {
  const first = ITEM.exec(lines[0]);
  const number = parseInt(first[2], 10);
  const node = el(number >= 0 ? "ol" : "ul");
  if (number > 1) node.start = number;
  let item, nested = [];
  const close = () => {
    if (nested.length) item.append(...(ITEM.test(nested[0]) ? [listed(nested)] : render(nested.map((l) => l.trim()).join("\n"))));
    nested = [];
  };
  for (const line of lines) {
    const m = ITEM.exec(line);
    if (m && m[1].length <= first[1].length) {
      close();
      node.append(item = el("li", ...spans(m[3])));
    } else nested.push(line);
  }
  close();
  return node;
}

function table(lines) {
  const body = lines.filter((l) => !/^[\s|:-]+$/.test(l)).map((l, n) =>
    el("tr", ...l.trim().slice(1, -1).split("|").map((c) => el(n ? "td" : "th", ...spans(c.trim())))));
  return Object.assign(el("div", el("table", ...body)), { className: "t", tabIndex: 0 });
}

export function render(text) {
  const nodes = [], lines = text.split(/\r?\n/);
  for (let i = 0; i < lines.length; ) {
    const line = lines[i], fence = FENCE.exec(line), heading = /^#{1,6}\s+(.*)$/.exec(line);
    const take = (ok) => {
      const from = i++;
      while (i < lines.length && lines[i].trim() && ok(lines[i])) i++;
      return lines.slice(from, i);
    };
    if (!line.trim()) i++;
    else if (fence) {
      const end = lines.findIndex((l, n) => n > i && l.trim().startsWith(fence[1]));
      const stop = end < 0 ? lines.length : end;
      nodes.push(Object.assign(el("pre", el("code", lines.slice(i + 1, stop).join("\n"))), { tabIndex: 0 }));
      i = stop + 1;
    } else if (heading) {
      nodes.push(el("h3", ...spans(heading[1])));
      i++;
    } else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) {
      nodes.push(el("hr"));
      i++;
    } else if (ITEM.test(line)) nodes.push(listed(take((l) => ITEM.test(l) || /^\s+\S/.test(l))));
    else if (line[0] === ">") nodes.push(el("blockquote", ...render(take((l) => l[0] === ">").map((l) => l.replace(/^> ?/, "")).join("\n"))));
    else if (ROW.test(line) && /^[\s|:-]+$/.test(lines[i + 1])) nodes.push(table(take((l) => ROW.test(l))));
    else {
      const p = el("p");
      take((l) => !ITEM.test(l) && !FENCE.test(l) && !/^(#{1,6}\s|>)/.test(l)).forEach((w, n) => p.append(...(n ? [el("br")] : []), ...spans(w)));
      nodes.push(p);
    }
  }
  return nodes;
}
