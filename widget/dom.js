// Elements, never HTML.

export const el = (name, ...children) => {
  const node = document.createElement(name);
  node.append(...children);
  return node;
};

export const box = (kind, ...inside) => Object.assign(el("div", ...inside), { className: kind });

export const parsed = (href) => URL.canParse(href, location) ? new URL(href, location) : {};

// The hub's own files; other pictures stay links, for loading them would tell their host who reads.
export const own = (href) => /^\/media\/\w+$/.test(parsed(href).pathname) && parsed(href).pathname;
