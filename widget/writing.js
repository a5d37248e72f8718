// While one writes: prepared replies by a `/` at the beginning of a word, then a part of a shortcut, or words; and
// colleagues and the visitor see that somebody is writing.

const field = document.getElementById("text"), list = document.getElementById("offers");
const source = document.querySelector("[data-slash]").dataset.slash;
let at = -1, asked = 0, last = 0, quiet;

function tell(what) {
  last = what === "types" ? Date.now() : 0;
  clearTimeout(quiet);
  const body = new URLSearchParams({ csrf: field.form.elements.csrf.value, what });
  fetch(field.form.getAttribute("action").replace(/say$/, "typing"), { method: "POST", body }).catch(() => 0);
}

export function wrote() {
  if (Date.now() - last > 3000) tell("types");
  clearTimeout(quiet);
  quiet = setTimeout(tell, 5000, "stops");
  if (typed() || !list.hidden) look();
}
document.addEventListener("htmx:after:request", () => { if (last && !field.value) tell("stops"); });

// Where the `/` stands, and what is typed behind it up to the caret.
function typed() {
  const before = field.value.slice(0, field.selectionEnd), found = /(?:^|\s)\/([^\n/]{0,60})$/.exec(before);
  return found && { from: before.length - found[1].length - 1, words: found[1] };
}

const options = () => [...list.querySelectorAll("[data-said]")];

function shut() {
  asked += 1;
  list.hidden = true;
  field.removeAttribute("aria-activedescendant");
}

function choose(n) {
  const all = options();
  if (!all.length) return;
  at = (n + all.length) % all.length;
  all.forEach((one, i) => one.setAttribute("aria-selected", i === at));
  field.setAttribute("aria-activedescendant", all[at].id);
  all[at].scrollIntoView({ block: "nearest" });
}

async function look() {
  const now = typed(), mine = ++asked;
  if (!now) return shut();
  const got = await fetch(`${source}?q=${encodeURIComponent(now.words)}`, { headers: { "HX-Request": "true" } });
  if (mine !== asked) return;
  if (!got.ok) return shut();
  const text = await got.text();
  if (mine !== asked) return;
  // The server's own page, read as a document: nothing of it runs.
  const read = new DOMParser().parseFromString(text, "text/html");
  list.replaceChildren(...read.body.children);
  list.hidden = false;
  choose(0);
}

export async function files(one) {
  const names = JSON.parse(one.dataset.names), types = JSON.parse(one.dataset.types), input = document.querySelector("[data-files][type=file]");
  const addresses = one.dataset.files.split(" ").filter(Boolean);
  if (!addresses.length || !input) return;
  const data = new DataTransfer();
  for (const file of input.files) data.items.add(file);
  for (const [n, address] of addresses.entries()) {
    const got = await fetch(address);
    if (got.ok) data.items.add(new File([await got.blob()], names[n], { type: types[n] }));
  }
  input.files = data.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

function take(one) {
  const now = typed();
  field.setRangeText(one.dataset.said, now ? now.from : field.selectionStart, field.selectionEnd, "end");
  shut();
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
  files(one);
}

field.setAttribute("aria-autocomplete", "list");
field.setAttribute("aria-controls", list.id);
field.addEventListener("blur", () => setTimeout(() => { if (!list.contains(document.activeElement)) shut(); }, 150));
field.addEventListener("keydown", (e) => {
  if (list.hidden || e.isComposing || e.ctrlKey || e.metaKey) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
  if (step) choose(at + step);
  else if ((e.key === "Enter" || e.key === "Tab") && options()[at]) take(options()[at]);
  else if (e.key === "Escape") shut();
  else return;
  e.preventDefault();
  e.stopPropagation();
});
list.addEventListener("mousedown", (e) => {
  const one = e.target.closest("[data-said]");
  if (!one) return;
  e.preventDefault();
  take(one);
});

export function open() {
  const { value, selectionEnd: end } = field;
  field.focus();
  if (!typed()) field.setRangeText(end && !/\s$/.test(value.slice(0, end)) ? " /" : "/", end, end, "end");
  look();
}
