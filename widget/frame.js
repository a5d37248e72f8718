// The page around an embedded chat, and the sandbox of a business's own script: who may say what.

import { $, call, door, embedded, failed, go, page, state, tell } from "./page.js";
import { enter, say } from "./outbox.js";
import { rate, seen } from "./thread.js";

const draft = (text) => { if (text) $("text").value = String(text).slice(0, 20000); };

export function closing() {
  if (state.count > 1) rate();
  state.open = false;
}

const orders = {
  open({ text }) { state.open = true; draft(text); seen(); $("text").focus(); },
  close: closing,
  send: ({ text }) => say(String(text)),
  identify({ who }) {
    const { id, hash, ...attributes } = who;
    enter(typeof who === "string" ? { token: who } : { tag: id, tagSignature: hash, attributes }).catch(failed);
  },
  set({ attributes }) {
    state.who.attributes = { ...state.who.attributes, ...attributes };
    if (page.key) enter({}).catch(failed);
  },
  reset: () => call("DELETE", door).then(() => go(`/c/${page.id}`)),
};

addEventListener("message", ({ source, origin, data }) => {
  if (embedded && source === parent && origin === page.host && Object.hasOwn(orders, data?.do)) orders[data.do](data);
  const sandbox = document.querySelector("iframe");
  if (sandbox && source === sandbox.contentWindow && origin === "null" && !$("text").value) draft(data?.draft);
});

if (embedded) {
  const leave = () => { closing(); tell("close"); };
  $("close").hidden = false;
  $("close").onclick = leave;
  addEventListener("keydown", (e) => { if (e.key === "Escape" && !document.querySelector(":popover-open")) leave(); });
  tell("ready");
}
