// What a reader can do with an answer: rate it, hear it, copy it, ask again.

import { box, el } from "./dom.js";
import { $, base, call, failed, page, press, state, words } from "./page.js";

const button = (name, run) => {
  const icon = $("send").firstElementChild.cloneNode(true);
  icon.firstElementChild.setAttribute("href", `#i-${name}`);
  const node = press(() => run(node), { className: `i ${name}`, title: words[name], ariaLabel: words[name] }, icon);
  return node;
};

const feedback = (id, rating) => call("POST", `${base()}/messages/${id}/feedback`, { rating });

function aloud(m) {
  speechSynthesis.cancel();
  speechSynthesis.speak(Object.assign(new SpeechSynthesisUtterance(m.text), { lang: document.documentElement.lang }));
}

function listen(m, node) {
  if (!page.audio) return aloud(m);
  const audio = Object.assign(el("audio"), { controls: true, autoplay: true, src: `${base()}/messages/${m.message_id}/audio` });
  audio.onerror = () => { audio.remove(); aloud(m); };
  node.parentElement.before(audio);
}

export function acts(m) {
  const row = box("acts"), rated = (node, rating) => feedback(m.message_id, rating).then(() => {
    for (const b of row.children) b.ariaPressed = b === node;
  }, failed);
  if (m.source === "model") row.append(button("good", (b) => rated(b, "up")), button("bad", (b) => rated(b, "down")));
  if (page.audio || self.speechSynthesis) row.append(button("listen", (b) => listen(m, b)));
  row.append(button("copy", () => navigator.clipboard?.writeText(m.text)));
  if (m.source !== "operator") row.append(button("retry", () => state.say(null)));
  return row;
}

// One to five for the whole conversation; it is kept with its last answer.
export function stars(last) {
  const box = el("div", el("p", words.rate), ...[1, 2, 3, 4, 5].map((n) => press(
    () => feedback(last.message_id, n).then(() => box.replaceChildren(el("p", words.thanks)), failed),
    { className: "i", ariaLabel: `${n}/5` }, "★",
  )));
  box.className = "stars";
  return box;
}
