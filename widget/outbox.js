// Messages on their way to the hub: in order, kept over a reload, sent again under the same name until they are there.

import { base, call, calm, door, failed, go, page, state, status, words } from "./page.js";
import { arrived, note, pending } from "./thread.js";
import { connect } from "./stream.js";

let queue = [], pumping, entering, failures = 0;

// Storage may be forbidden where the chat is embedded.
function store(value) {
  const mark = page.id + page.key;
  try {
    if (!value) return JSON.parse(sessionStorage[mark]);
    sessionStorage[mark] = JSON.stringify(value);
  } catch {}
  return [];
}

const name = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, 0)).join("");

// A session begins with the first thing that needs one. `who`: what the site says of its visitor decides whose
// conversation this is; of another one the page is loaded anew, and what waits goes along.
export function enter(who) {
  if (!who && (page.key || entering)) return entering || Promise.resolve();
  Object.assign(state.who, who);
  return entering = call("POST", door, { ...state.who, accessKey: page.key }).then((got) => {
    if (got.accessKey === page.key) return;
    store([]);
    page.key = got.accessKey;
    store(queue);
    if (who) return new Promise(() => go(`/chat/${page.key}`));
    connect();
  }).finally(() => { entering = 0; });
}

// null asks the last question again.
export function say(text, files = []) {
  text &&= text.trim();
  if (text === "" && !files.length) return;
  const parts = files.map((f) => ({ type: "file", file: { file_id: f.id } }));
  post({ cid: name(), text, files, content: files.length ? [...(text ? [{ type: "text", text }] : []), ...parts] : text });
}

function post(one) {
  queue.push(one);
  if (one.content) one.node = pending(one);
  pump();
}

async function pump() {
  if (pumping) return;
  pumping = true;
  for (store(queue); queue.length; store(queue)) {
    const one = queue[0];
    try {
      await enter();
      const got = await call("POST", `${base()}/messages`, { content: one.content, clientMessageId: one.cid });
      arrived(one.cid, got.messageId);
      state.person = got.person;
      calm();
      failures = 0;
    } catch (e) {
      if (!(e.status < 500)) {
        status(words.offline);
        setTimeout(pump, Math.min(15e3, 500 * 2 ** failures++));
        break;
      }
      if (one.node) note(one.node, e.message, () => { one.node.remove(); post({ ...one, cid: name() }); });
      else failed(e);
    }
    queue.shift();
  }
  pumping = false;
}

export const flush = () => { failures = 0; pump(); };

// What a reload interrupted.
export const resume = () => store().forEach(post);
