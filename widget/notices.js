// Which notices this browser gives: those of its own, and those that a push service brings.

import "./console.js";

const form = document.getElementById("push"), off = document.getElementById("unpush"), state = document.getElementById("push-state");
const possible = "serviceWorker" in navigator && "PushManager" in self;
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const coded = (raw) => btoa(String.fromCharCode(...new Uint8Array(raw))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function subscribed(make) {
  const kept = await navigator.serviceWorker.register("/console/worker.js");
  const was = await kept.pushManager.getSubscription();
  if (!make) return was;
  const key = bytes(form.dataset.key);
  // One of another key is of no use any more.
  if (was && coded(was.options.applicationServerKey) !== form.dataset.key) await was.unsubscribe();
  return kept.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

form.querySelector("button").hidden = !possible;
if (!possible) state.textContent = "This browser cannot be told while no page of the hub is open.";
form.addEventListener("submit", async (e) => {
  if (form.endpoint.value) return;
  e.preventDefault();
  e.stopImmediatePropagation();
  try {
    const one = await subscribed(true);
    form.endpoint.value = one.endpoint;
    form.p256dh.value = coded(one.getKey("p256dh"));
    form.auth.value = coded(one.getKey("auth"));
    form.requestSubmit();
  } catch (failed) {
    state.textContent = `The browser does not allow it: ${failed.message}`;
  }
}, true);
off.addEventListener("submit", async (e) => {
  if (off.endpoint.value) return;
  e.preventDefault();
  e.stopImmediatePropagation();
  const one = await subscribed(false).catch(() => null);
  off.endpoint.value = one?.endpoint || "-";
  await one?.unsubscribe();
  off.requestSubmit();
}, true);
for (const what of ["sound", "desktop"]) {
  const box = document.getElementById(what);
  try { box.checked = localStorage[`hub:${what}`] === "1"; } catch {}
  box.onchange = async () => {
    if (what === "desktop" && box.checked) box.checked = await self.Notification?.requestPermission() === "granted";
    try { localStorage[`hub:${what}`] = box.checked ? "1" : "0"; } catch {}
  };
}
