// The page around an embedded chat, and the sandbox of a business's own script: who may say what.

import { $, call, door, embedded, failed, page, state, tell } from "./page.js";
import { say } from "./outbox.js";
import { rate, seen } from "./thread.js";

const go = (path) => location.replace(`${path}?o=${encodeURIComponent(page.host)}`);
const draft = (text) => { if (text) $("text").value = String(text).slice(0, 20000); };

export function closing() {
  if (state.count > 1) rate();
  state.open = false;
}

// Who a visitor is, decides whose conversation this is.
async function enterAs(who) {
  Object.assign(state.who, who);
  try {
    const got = await call("POST", door, { ...state.who, accessKey: page.key });
    if (got.accessKey !== page.key) go(`/chat/${got.accessKey}`);
  } catch (e) {
    failed(e);
  }
}

const orders = {
  open({ text }) { state.open = true; draft(text); seen(); $("text").focus(); },
  close: closing,
  send: ({ text }) => say(String(text)),
  identify({ who }) {
    const { id, hash, ...attributes } = who;
    enterAs(typeof who === "string" ? { token: who } : { tag: id, tagSignature: hash, attributes });
  },
  set: ({ attributes }) => enterAs({ attributes: { ...state.who.attributes, ...attributes } }),
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
