// A visitor who wants to be told of answers while the chat is not open, and who does not any more.

const on = document.getElementById("on"), said = document.getElementById("said"), { key, title, body } = on.dataset;
const scope = location.pathname.replace(/\/notify$/, ""), worker = `/chat/worker.js?${new URLSearchParams({ title, body })}`;
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const coded = (raw) => btoa(String.fromCharCode(...new Uint8Array(raw))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function tell(fields) {
  const got = await fetch(location.pathname, { method: "POST", body: new URLSearchParams(fields) });
  if (!got.ok) throw Error((await got.json()).error);
}

const doing = (work, words) => work().then(() => { said.textContent = words; }, (failed) => { said.textContent = `${said.dataset.failed} ${failed.message}`; });

on.onclick = () => doing(async () => {
  const kept = await navigator.serviceWorker.register(worker, { scope }), was = await kept.pushManager.getSubscription();
  if (was && coded(was.options.applicationServerKey) !== key) await was.unsubscribe();
  const one = await kept.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
  await tell({ endpoint: one.endpoint, p256dh: coded(one.getKey("p256dh")), auth: coded(one.getKey("auth")) });
}, said.dataset.done);
document.getElementById("off").onclick = () => doing(async () => {
  const kept = await navigator.serviceWorker.getRegistration(scope), one = await kept?.pushManager.getSubscription();
  await tell({ endpoint: one?.endpoint || "-", off: "1" });
  await one?.unsubscribe();
}, "✓");
