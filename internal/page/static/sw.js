// Stands between the browser and Parley where Parley is installed as a program. It
// keeps one page, which says that nobody answers, and what that page looks like
// with. No other page and no answer is ever kept: they are private, and old ones
// would lie. install.go puts OFFLINE and KEPT before this.

const cache = "parley-" + KEPT.join("|");

addEventListener("install", (e) => {
  // Without cookies: the page that is kept knows nobody.
  const keep = async () => (await caches.open(cache)).addAll(KEPT.map((path) => new Request(path, { credentials: "omit", cache: "reload" })));
  e.waitUntil(keep().then(() => skipWaiting()));
});

addEventListener("activate", (e) => {
  const tidy = async () => {
    for (const name of await caches.keys()) if (name !== cache) await caches.delete(name);
    await registration.navigationPreload?.enable(); // nobody waits for this script to wake up
    await clients.claim();
  };
  e.waitUntil(tidy());
});

addEventListener("fetch", (e) => {
  const { request } = e;
  if (request.mode === "navigate" && request.method === "GET") e.respondWith(page(e));
  else if (KEPT.includes(new URL(request.url).pathname)) e.respondWith(fetch(request).catch(() => kept(request)));
});

async function page(e) {
  try {
    return (await e.preloadResponse) || (await fetch(e.request));
  } catch {
    return kept(OFFLINE);
  }
}

async function kept(what) {
  return (await caches.match(what, { cacheName: cache, ignoreSearch: true })) || Response.error();
}
