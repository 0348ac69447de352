import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { defineConfig, type Plugin } from 'vite'

/** Writes the service worker, which keeps all of the site but what is only fetched when it is asked for. */
function offline(): Plugin {
  return {
    name: 'offline',
    apply: 'build',
    generateBundle(_, bundle) {
      const files = Object.keys(bundle).filter((name) => !name.endsWith('.tar.gz'))
      const names = ['./', 'icon.svg', 'manifest.webmanifest', ...files.filter((name) => name !== 'index.html')]
      const version = createHash('sha256').update(names.join('\n')).update(String(Date.now())).digest('hex').slice(0, 12)
      const source = `const KEPT = 'frazil-${version}'
const FILES = ${JSON.stringify(names)}
self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()))
})
self.addEventListener('activate', (event) => {
  const old = async () => {
    const names = await caches.keys()
    await Promise.all(names.filter((name) => name.startsWith('frazil-') && name !== KEPT).map((name) => caches.delete(name)))
    await self.clients.claim()
  }
  event.waitUntil(old())
})
self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url)
  if (event.request.method !== 'GET' || url.origin !== location.origin) return
  const answer = async () => {
    const kept = await caches.match(event.request, { ignoreSearch: true })
    if (kept) return kept
    const fresh = await fetch(event.request)
    if (fresh.ok && url.pathname.endsWith('.tar.gz')) (await caches.open(KEPT)).put(event.request, fresh.clone())
    return fresh
  }
  event.respondWith(answer())
})
`
      this.emitFile({ type: 'asset', fileName: 'sw.js', source })
    },
  }
}

export default defineConfig({
  base: './',
  define: { HAS_LIB: JSON.stringify(existsSync('public/nixpkgs-lib.tar.gz')) },
  worker: { format: 'es' },
  build: { target: 'es2022', modulePreload: { polyfill: false }, chunkSizeWarningLimit: 900 },
  plugins: [offline()],
})
