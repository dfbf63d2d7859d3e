// After the first visit the page works without a connection. What the page is made of is kept here; the large files are kept by worker.js, by their hash.
// It also adds the two headers that let the network use several cores, for servers that do not send them.
/* global VERSION, FILES */

const BOX = 'colorize'

self.addEventListener('install', e => e.waitUntil((async () => {
  const box = await caches.open(BOX)
  await box.addAll(FILES.small.map(f => new Request(f, {cache: 'reload'})))
  for (const r of await box.keys()) { const {pathname, search} = new URL(r.url); if (search && !FILES.large.some(f => (pathname+search).endsWith(f))) await box.delete(r) }
  self.skipWaiting()
})()))
self.addEventListener('activate', e => e.waitUntil(self.clients.claim()))

const isolated = r => {
  if (!r || r.type === 'opaque') return r
  const headers = new Headers(r.headers)
  for (const [k, v] of [['cross-origin-opener-policy', 'same-origin'], ['cross-origin-embedder-policy', 'require-corp'], ['cross-origin-resource-policy', 'same-origin']]) headers.set(k, v)
  return new Response(r.body, {status: r.status, statusText: r.statusText, headers})
}
self.addEventListener('fetch', e => {
  const url = new URL(e.request.url)
  if (e.request.method !== 'GET' || url.origin !== location.origin) return
  e.respondWith((async () => {
    const box = await caches.open(BOX), at = url.pathname.endsWith('/') ? `${url.pathname}index.html` : `${url.pathname}${url.search}`
    return isolated(await box.match(at) ?? await fetch(e.request))
  })())
})
