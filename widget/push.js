// Web Push in a browser, for operators and visitors alike.

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const coded = (raw) => btoa(String.fromCharCode(...new Uint8Array(raw))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

// Where this browser is told, by the names under which the hub takes it.
export async function subscribed(kept, key) {
  const was = await kept.pushManager.getSubscription();
  // One of another key is of no use any more.
  if (was && coded(was.options.applicationServerKey) !== key) await was.unsubscribe();
  const one = await kept.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
  return { endpoint: one.endpoint, p256dh: coded(one.getKey("p256dh")), auth: coded(one.getKey("auth")) };
}
