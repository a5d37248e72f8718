// Which notices this browser gives: those of its own, and those that a push service brings.

import "./console.js";
import { subscribed } from "./push.js";

const form = document.getElementById("push"), off = document.getElementById("unpush"), state = document.getElementById("push-state");
const possible = "serviceWorker" in navigator && "PushManager" in self;
const kept = () => navigator.serviceWorker.register("/console/worker.js");

form.querySelector("button").hidden = !possible;
if (!possible) state.textContent = say("This browser cannot be told while no page of the hub is open.");
form.addEventListener("submit", async (e) => {
  if (form.endpoint.value) return;
  e.preventDefault();
  e.stopImmediatePropagation();
  try {
    for (const [name, value] of Object.entries(await subscribed(await kept(), form.dataset.key))) form[name].value = value;
    form.requestSubmit();
  } catch (failed) {
    state.textContent = say("The browser does not allow it: {}", failed.message);
  }
}, true);
off.addEventListener("submit", async (e) => {
  if (off.endpoint.value) return;
  e.preventDefault();
  e.stopImmediatePropagation();
  const one = await kept().then((k) => k.pushManager.getSubscription()).catch(() => null);
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
