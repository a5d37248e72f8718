// What forms and links cannot do by themselves: keys, copying, times in the reader's words.

import { $, all, say } from "./forms.js";

// English is of everywhere: dates of it are written as the browser writes them.
const { lang } = document.documentElement, locale = lang === "en" ? undefined : lang;
const words = new Intl.RelativeTimeFormat(lang, { numeric: "auto", style: "narrow" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

function ago(seconds) {
  if (Math.abs(seconds) < 45) return say(seconds < 0 ? "now" : "in a moment");
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) || UNITS[2];
  return words.format(Math.trunc(seconds / size), unit);
}

function times() {
  for (const one of all("time[data-ago]")) {
    const at = new Date(one.dateTime), left = (at - Date.now()) / 1000;
    one.textContent = Math.abs(left) < 6 * 86400 ? ago(left) : at.toLocaleDateString(locale, { day: "numeric", month: "short", year: "numeric" });
    one.title = at.toLocaleString(locale);
  }
  for (const one of all("[data-until], [data-due]")) {
    const { until, due } = one.dataset, left = Math.max(0, Math.round((new Date(until || due) - Date.now()) / 1000));
    one.textContent = due && !left ? say("late") : left >= 60 ? `${Math.ceil(left / 60)} min` : `${left} s`;
  }
}

function down() {
  const log = $("#log");
  if (log) log.scrollTop = log.scrollHeight;
}

function typing(target) {
  return target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");
}

function find() {
  const dialog = $("#find");
  if (!dialog) return;
  dialog.showModal();
  $("input", dialog).select();
}

function move(step) {
  const links = all(".talk"), focused = links.indexOf(document.activeElement);
  const at = focused < 0 ? links.findIndex((l) => l.hasAttribute("aria-current")) : focused;
  links[Math.min(links.length - 1, Math.max(0, at + step))]?.focus();
}

// What a key stands for, wherever it is folded away.
function reach(one) {
  if (one.matches("button, summary")) return one.click();
  for (let up = one.closest("details"); up; up = up.parentElement.closest("details")) up.open = true;
  if (!one.checkVisibility() && one.closest("#about")) location.hash = "about";
  one.focus();
}

// What has still to be fetched is reached when it is there.
let want;
const keyed = (key) => $(`[data-key="${CSS.escape(key)}"]`);

// htmx looks at a page a moment after it is there: whoever is quicker is heard when it has.
document.addEventListener("click", (e) => {
  const one = e.target.closest(":is(button, summary)[hx-get]");
  if (!one || "htmxPowered" in one.dataset) return;
  e.preventDefault();
  e.stopImmediatePropagation();
  document.addEventListener("htmx:after:process", () => one.click(), { once: true });
}, true);

document.addEventListener("click", (e) => {
  const button = e.target.closest("button");
  if (button?.dataset.copy) import("/assets/copy.js").then((m) => m.copy(button, say("Copied")));
  else if (button && "find" in button.dataset) find();
  else if (button?.dataset.dialog) $(button.dataset.dialog).showModal();
  else if (e.target.id === "find") e.target.close();
});

document.addEventListener("change", (e) => {
  const one = e.target;
  if ("auto" in one.dataset) one.form.requestSubmit();
});

document.addEventListener("keydown", (e) => {
  if ((e.ctrlKey || e.metaKey) && e.key === "k") { e.preventDefault(); find(); return; }
  // Enter where the time is chosen plans: it must not press the form's first button, which sends at once.
  if (e.key === "Enter" && e.target.matches?.("#later input")) { e.preventDefault(); $("#later button").click(); return; }
  if ((e.ctrlKey || e.metaKey) && e.key === "Enter" && e.target.form) { e.target.form.requestSubmit(); return; }
  if (e.ctrlKey || e.metaKey || e.altKey || typing(e.target) || $("dialog[open]")) return;
  if (e.key === "j" || e.key === "k") move(e.key === "j" ? 1 : -1);
  const button = keyed(e.key), fold = $(`[data-keys*="${CSS.escape(e.key)}"]`);
  if (button) { e.preventDefault(); reach(button); }
  else if (fold) { want = e.key; fold.click(); }
});

// New messages keep the newest in view, unless the reader has gone up.
let low = true;
document.addEventListener("scroll", (e) => {
  const log = e.target;
  if (log.id === "log") low = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
}, true);
document.addEventListener("htmx:after:swap", () => {
  times();
  if (low) down();
  clock();
  const one = want && keyed(want);
  if (one) { want = 0; reach(one); }
});

// What is to be sent later is so on the clock of whoever writes.
function clock() {
  for (const one of all("[data-clock]")) {
    one.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
    one.removeAttribute("data-clock");
  }
}
clock();
times();
down();
setInterval(times, 1000);
import("/assets/bell.js");
