// Kept by a browser that wants to be told: shows what comes, and opens what it is about.

// A visitor's is kept for one conversation, whose words stand in its own address.
const own = Object.fromEntries(new URL(self.location).searchParams), scope = self.registration.scope;

self.addEventListener("push", (e) => {
  const { title, body, url = scope, tag } = { ...own, ...e.data.json() };
  e.waitUntil((async () => {
    const open = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const seen = (at) => at.pathname === url || (url === scope && /^\/(c|chat)\//.test(at.pathname));
    if (open.some((one) => one.visibilityState === "visible" && seen(new URL(one.url)))) return;
    await self.registration.showNotification(title, { body, tag, data: { url } });
  })());
});
self.addEventListener("notificationclick", (e) => {
  e.notification.close();
  e.waitUntil(self.clients.openWindow(e.notification.data.url));
});
