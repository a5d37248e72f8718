// How many wait, on every screen: in the title and on the icon, and for whoever wants it as a sound and a notification. It
// comes after the screen itself.

const $ = (selector) => document.querySelector(selector), title = document.title;
let last = 0, begun, spoken = {};

// What scripts say, where the page is not in English.
if (document.documentElement.lang !== "en") fetch("/console/words").then((got) => got.ok && !got.redirected && got.text()).then((text) => {
  if (!text) return;
  spoken = JSON.parse(text);
  document.body.append(Object.assign(document.createElement("div"), { id: "words", hidden: true, textContent: text }));
}, () => 0);
const say = (text) => spoken[text] || text;

let down;
addEventListener("offline", () => {
  down = Object.assign(document.createElement("p"), { className: "note bad", role: "alert", textContent: say("The line is down: what you see may be old, and nothing can be sent.") });
  $("#said").replaceChildren(down);
});
addEventListener("online", () => down?.remove());

// What can wait until the page is there: a menu that is left closes, Escape leaves the panel, and `x` chooses the conversation
// that is looked at, for what is done with many.
document.addEventListener("click", (e) => {
  const menu = $(".me[open]");
  if (menu && !menu.contains(e.target)) menu.open = false;
});
document.addEventListener("keydown", (e) => {
  if (e.key === "Escape" && location.hash === "#about") location.hash = "state";
  if (e.key !== "x" || e.ctrlKey || e.metaKey || e.altKey || $("dialog[open]")) return;
  if (e.target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
  ($(".talks li:focus-within [name=chosen]") || $(".talks li:has([aria-current]) [name=chosen]"))?.click();
});

const wants = (what) => { try { return localStorage[`hub:${what}`] === "1"; } catch { return false; } };

function drawIcon(n) {
  const at = document.createElement("canvas"), draw = at.getContext("2d");
  at.width = at.height = 32;
  draw.fillStyle = n ? "#c81e1e" : "#4f46e5";
  draw.arc(16, 16, 16, 0, 7);
  draw.fill();
  draw.fillStyle = "#fff";
  draw.font = "bold 20px sans-serif";
  draw.textAlign = "center";
  draw.fillText(n > 99 ? "…" : n || "", 16, 23);
  $("link[rel=icon]").href = at.toDataURL();
}

function ring() {
  const audio = new AudioContext(), tone = audio.createOscillator(), loud = audio.createGain();
  tone.frequency.value = 880;
  loud.gain.setValueAtTime(.15, audio.currentTime);
  loud.gain.exponentialRampToValueAtTime(.001, audio.currentTime + .4);
  tone.connect(loud).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + .4);
  tone.onended = () => audio.close();
}

function count(n = parseInt($("#badge:not([hidden])")?.textContent) || 0) {
  const more = begun && n > last, badge = $("#badge"), again = $("#badge-all");
  // On a phone the list of screens is closed: its button has the number as well.
  if (badge && again) [again.hidden, again.firstChild.data] = [badge.hidden, badge.firstChild.data];
  document.title = n ? `(${n}) ${title}` : title;
  if (n !== last) drawIcon(n);
  [last, begun] = [n, true];
  if (!more) return;
  if (wants("sound")) ring();
  if (document.hidden && wants("desktop") && self.Notification?.permission === "granted")
    new Notification(say(n > 1 ? "{} people wait" : "Somebody waits").replace("{}", n), { tag: "hub-waiting" });
}

count();
// The inbox hears of it by itself.
if ($(".talks")) document.addEventListener("htmx:after:swap", () => count());
else if ($("#badge")) setInterval(async () => {
  const got = await fetch("/console/waiting").catch(() => 0);
  if (!got.ok || got.redirected) return;
  const { waiting } = await got.json(), badge = $("#badge");
  badge.hidden = !waiting;
  badge.firstChild.data = waiting > 99 ? "99+" : waiting;
  count();
}, 15000);
