// One stream of events for everything that happens in the conversation.

import { base, calm, debug, on, page, state, status, words } from "./page.js";
import { delta, ended, gone, message, tool } from "./thread.js";

let source, later;

// stays: though nobody sees the page.
export function connect(stays) {
  clearTimeout(later);
  source?.close();
  source = null;
  // A page that nobody sees catches up when it is seen again.
  if (!page.key || (document.hidden && !on() && !stays)) return;
  const one = source = new EventSource(`${base()}/events?after=${page.after}`);
  const hear = (kind, run) => one.addEventListener(kind, (e) => {
    const data = JSON.parse(e.data);
    debug(kind, data);
    if (e.lastEventId) page.after = e.lastEventId;
    run(data);
  });
  hear("message", message);
  hear("delta", (d) => delta(d) || connect(stays));
  hear("tool", tool);
  hear("turn", (t) => ended(t.turn));
  hear("gone", gone);
  hear("person", ({ active }) => {
    if (active === !!state.person) return;
    state.person = active;
    status(active ? words.person : words.bot);
  });
  // That somebody writes; who answers, once they have stopped.
  hear("typing", (t) => status(t.text));
  one.onopen = calm;
  one.onerror = () => {
    status(words.offline);
    // The browser connects again by itself, unless it was refused.
    if (one.readyState === 2) later = setTimeout(connect, 2e3, stays);
  };
}
