// Keeps every file of the page, so that it works without a network after the first visit.
const CACHE = "gpu-sizer-{stamp}";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith("gpu-sizer-") && name !== CACHE) await caches.delete(name);
  await self.clients.claim();
})()));
self.addEventListener("fetch", (event) => {
  const origin = new URL(event.request.url).origin;
  // Files of a pinned host come with their hashes, which the browser checks again.
  if (event.request.method !== "GET" || (origin !== location.origin && !event.request.integrity)) return;
  event.respondWith((async () => {
    const cache = await caches.open(CACHE);
    const kept = await cache.match(event.request, { ignoreSearch: event.request.mode === "navigate" });
    if (kept) return kept;
    const response = await fetch(event.request);
    if (response.ok) cache.put(event.request, response.clone());
    return response;
  })());
});
