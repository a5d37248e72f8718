// A visitor who wants to be told of answers while the chat is not open, and who does not any more.

import { subscribed } from "./push.js";

const on = document.getElementById("on"), said = document.getElementById("said"), { key, title, body } = on.dataset;
const scope = location.pathname.replace(/\/notify$/, ""), worker = `/chat/worker.js?${new URLSearchParams({ title, body })}`;

async function tell(fields) {
  const got = await fetch(location.pathname, { method: "POST", body: new URLSearchParams(fields) });
  if (!got.ok) throw Error((await got.json()).error);
}

const doing = (work, words) => work().then(() => { said.textContent = words; }, (failed) => { said.textContent = `${said.dataset.failed} ${failed.message}`; });

on.onclick = () => doing(async () => {
  await tell(await subscribed(await navigator.serviceWorker.register(worker, { scope }), key));
}, said.dataset.done);
document.getElementById("off").onclick = () => doing(async () => {
  const kept = await navigator.serviceWorker.getRegistration(scope), one = await kept?.pushManager.getSubscription();
  await tell({ endpoint: one?.endpoint || "-", off: "1" });
  await one?.unsubscribe();
}, "✓");
