// Markdown as DOM nodes, never as HTML: what a model says is data.

const INLINE = /(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)|\*\*([^*\n]+?)\*\*|__([^_\n]+?)__|\*([^*\n]+?)\*|(?<![\p{L}\p{N}])_([^_\n]+?)_(?![\p{L}\p{N}])|~~([^~\n]+?)~~|!?\[([^\]\n]*)\]\(([^\s)]+)\)|(https?:\/\/[^\s<>()]+[^\s<>().,;:!?])/gu;

const el = (name, ...children) => {
  const node = document.createElement(name);
  node.append(...children);
  return node;
};

function link(text, href) {
  let url;
  try { url = new URL(href, location.href); } catch { return text; }
  if (!["http:", "https:", "mailto:", "tel:"].includes(url.protocol)) return text;
  const a = el("a", text || href);
  a.href = url.href;
  a.target = "_blank";
  a.rel = "noopener nofollow ugc";
  return a;
}

export function inline(text) {
  const out = [];
  let at = 0;
  for (const m of text.matchAll(INLINE)) {
    if (m.index > at) out.push(text.slice(at, m.index));
    at = m.index + m[0].length;
    if (m[1]) out.push(el("code", m[2].trim() || m[2]));
    else if (m[3] || m[4]) out.push(el("strong", ...inline(m[3] || m[4])));
    else if (m[5] || m[6]) out.push(el("em", ...inline(m[5] || m[6])));
    else if (m[7]) out.push(el("s", ...inline(m[7])));
    else if (m[10]) out.push(link(m[10], m[10]));
    else out.push(link(m[8], m[9])); // pictures too: nothing is loaded from elsewhere unasked
  }
  if (at < text.length) out.push(text.slice(at));
  return out;
}

const LIST = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;

function list(lines) {
  const first = LIST.exec(lines[0]);
  const ordered = /\d/.test(first[2]);
  const node = document.createElement(ordered ? "ol" : "ul");
  if (ordered && parseInt(first[2], 10) !== 1) node.start = parseInt(first[2], 10);
  const indent = first[1].length;
  let item = null, nested = [];
  const close = () => {
    if (item && nested.length) item.append(LIST.test(nested[0]) ? list(nested) : el("p", ...inline(nested.join(" ").trim())));
    nested = [];
  };
  for (const line of lines) {
    const m = LIST.exec(line);
    if (m && m[1].length <= indent) {
      close();
      item = el("li", ...inline(m[3]));
      node.append(item);
    } else if (line.trim()) nested.push(line);
  }
  close();
  return node;
}

export function render(text) {
  const nodes = [];
  const lines = text.replace(/\r/g, "").split("\n");
  for (let i = 0; i < lines.length; ) {
    const line = lines[i];
    const fence = /^\s*(`{3,}|~{3,})/.exec(line);
    if (!line.trim()) { i++; continue; }
    if (fence) {
      const end = lines.findIndex((l, n) => n > i && l.trim().startsWith(fence[1]));
      const stop = end < 0 ? lines.length : end;
      nodes.push(el("pre", el("code", lines.slice(i + 1, stop).join("\n"))));
      i = stop + 1;
      continue;
    }
    const heading = /^#{1,6}\s+(.*)$/.exec(line);
    if (heading) { nodes.push(el("h3", ...inline(heading[1]))); i++; continue; }
    const take = (ok) => { const from = i; while (i < lines.length && lines[i].trim() && ok(lines[i], i - from)) i++; return lines.slice(from, i); };
    if (LIST.test(line)) { nodes.push(list(take((l) => LIST.test(l) || /^\s+\S/.test(l)))); continue; }
    if (/^>\s?/.test(line)) { nodes.push(el("blockquote", ...render(take((l) => /^>/.test(l)).map((l) => l.replace(/^>\s?/, "")).join("\n")))); continue; }
    const words = take((l, n) => !n || !(LIST.test(l) || /^(#{1,6}\s|>|\s*(`{3,}|~{3,}))/.test(l)));
    const p = document.createElement("p");
    words.forEach((w, n) => { if (n) p.append(document.createElement("br")); p.append(...inline(w)); });
    nodes.push(p);
  }
  return nodes;
}
