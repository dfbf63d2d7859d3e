// The engine in the browser: the same calls as those of the server, see colorize_nb/page/web/engine.js, which this file replaces. Photos stay in this page's memory.

import {BUILT} from './built.js'
import {names, zip} from './files.js'

export class Stop extends Error { constructor(status, text) { super(text); this.status = status } }

const LIMITS = {photos: 100, upload: 100e6, pixels: 60e6}
const photos = new Map(), refused = []
const worker = new Worker(new URL('worker.js', import.meta.url), {type: 'module'}), calls = new Map()
let count = 0, load = {done: 0, total: 1}, made = null
worker.onmessage = ({data: {n, gives, error, load: l, failed, threads, graphics}}) => {
  if (graphics) { document.body.dataset.graphics = JSON.stringify(graphics); return }
  if (l !== undefined) { load = l; if (threads) document.body.dataset.threads = threads; if (failed) refuse('The page', failed); return }
  const {ok, no} = calls.get(n)
  calls.delete(n)
  error === undefined ? ok(gives) : no(new Stop(422, error))
}
worker.onerror = e => {
  load = null
  refuse('The page', 'This browser cannot run it, or a part of the page is missing. Load it again; the newest Firefox, Chrome, Edge or Safari will do.')
  for (const {no} of calls.values()) no(new Stop(500, e.message || 'a part of the page is missing'))
  calls.clear()
}
const call = (what, ...args) => new Promise((ok, no) => { calls.set(++count, {ok, no}); worker.postMessage({n: count, what, args}) })
function refuse(name, why) { if (!refused.some(r => r.name === name && r.why === why)) refused.push({name, why}) }
navigator.serviceWorker?.register(new URL('sw.js', import.meta.url)).catch(() => {})  // a private window may not

const PLAIN = {strength: 1, vivid: 0, variant: 0, points: []}, same = (a, b) => JSON.stringify(a) === JSON.stringify(b)
function get(id) { const p = photos.get(id); if (!p) throw new Stop(422, 'the photo is gone'); return p }
async function state() {
  return {photos: [...photos.values()].map(({id, name, size, ask, looks, result, failed}) => ({id, name, size, ask, looks, made: !!result && same(result.ask, ask), failed})),
    refused: [...refused], progress: load ? {what: 'load', ...load} : made, before: 0, local: true, limits: LIMITS}
}
async function asked(p, ask) {  // what the worker needs: the points of a variant are points too
  const base = ask.variant ? (await guesses(p)[Math.min(ask.variant, 4)]).points : []
  return {...ask, points: [...base, ...ask.points]}
}
function guesses(p) {  // how a photo can be painted, one after the other, found once: promises of {points, url}; the first way is the network's own
  if (p.guesses) return p.guesses
  const cells = call('doubtful', p.id), all = p.guesses = []
  async function find(i) {
    const points = []
    if (i) for (const [k, cell] of (await cells).entries()) points.push(await call('other', p.id, points, cell, (i*.618034+k*.754878)%1, !k))  // evenly over all ways, and otherwise at each place
    return {points, url: URL.createObjectURL(await call('guess', p.id, {points}))}
  }
  for (let i = 0; i < 5; i++) (all[i] = i ? all[i-1].then(() => find(i)) : find(i)).catch(() => { if (p.guesses === all) p.guesses = null })
  return all
}
async function look(p, ask) {
  const {thumb, ...r} = await call('look', p.id, await asked(p, ask))
  Object.assign(p, {ask, thumb, looks: p.looks+1})
  return r
}
async function finish(p, ask) {
  if (p.result && same(p.result.ask, ask)) return p.result
  p.failed = ''
  try { p.result = {ask, ...await call('finish', p.id, await asked(p, ask))} } catch (e) { p.failed = e.message; throw e }
  return p.result
}
function forget(p) {
  photos.delete(p.id)
  call('remove', p.id)
  p.guesses?.forEach(g => g.then(({url}) => URL.revokeObjectURL(url), () => {}))
}
function download(blob, name) {
  const a = Object.assign(document.createElement('a'), {href: URL.createObjectURL(blob), download: name})
  document.body.append(a); a.click(); a.remove()
  setTimeout(() => URL.revokeObjectURL(a.href), 60_000)
}
function add(file, name = file.name) {
  if (photos.size >= LIMITS.photos) throw new Stop(422, `more than ${LIMITS.photos} photos; start over for more`)
  const p = {id: `${++count}`, name, size: null, ask: PLAIN, looks: 0, result: null, failed: ''}
  photos.set(p.id, p)
  call('open', p.id, file).then(async ({size, before}) => {
    if (!photos.has(p.id)) return call('remove', p.id)  // it was removed meanwhile
    p.before = before
    await look(p, p.ask)
    p.size = size
    call('graphics', p.id).catch(() => {})  // it was removed meanwhile
  }).catch(e => { if (photos.delete(p.id)) refuse(name, e.message) })
  return state()
}
addEventListener('beforeunload', e => { if ([...photos.values()].some(p => p.ask.points.length && !(p.result && same(p.result.ask, p.ask)))) e.preventDefault() })  // a reload forgets them

export const engine = {
  kinds: 'JPEG, PNG, WebP, AVIF or BMP, or a folder of them',
  more: `A browser leaves out metadata, TIFF and 16 bits. The program keeps them: ${BUILT.install}`,
  begin: state,
  state,
  async add(file) {
    try { await file.slice(0, 1).arrayBuffer() } catch { throw new Stop(422, 'cannot be read') }
    return add(file)
  },
  async example(name) {
    const r = await fetch(`photos/${name}.jpg`).catch(() => null)
    if (!r?.ok) throw new Stop(422, 'this photo is not there; is there a connection?')
    return add(await r.blob(), `${name}.jpg`)
  },
  before: async id => get(id).before,
  thumb: async id => get(id).thumb,
  look: async (id, ask) => look(get(id), ask),
  variants: async id => guesses(get(id)).map(g => g.then(({url}) => url)),
  likely: async (id, ask, x, y) => call('likely', id, await asked(get(id), ask), x, y),
  doubt: async (id, ask) => call('doubt', id, await asked(get(id), ask)),
  crop: async (id, ask, side, box, width) => call('crop', id, await asked(get(id), ask), side, box, width),
  async finish(id, ask) { const p = get(id), {blob, suffix} = await finish(p, ask); return {name: names([{name: p.name, suffix}])[0], bytes: blob.size} },
  async save(id, what) {
    if (what) {
      const p = get(id), [name] = names([{name: p.name, suffix: p.result.suffix}])
      return what === 'file' ? download(p.result.blob, name.split('/').pop()) : download(await call('pair', id, await asked(p, p.result.ask)), name.split('/').pop().replace(/-color\.\w+$/, '-compare.jpg'))
    }
    const done = [...photos.values()].filter(p => p.result && same(p.result.ask, p.ask)), n = names(done.map(p => ({name: p.name, suffix: p.result.suffix})))
    if (!done.length) throw new Stop(422, 'there is no result yet')
    download(await zip(done.map((p, i) => ({name: n[i], blob: p.result.blob}))), 'photos-color.zip')
  },
  async all(settings) {
    for (const p of photos.values()) if (p.size && !same(p.ask, {...p.ask, ...settings})) { p.ask = {...p.ask, ...settings}; look(p, p.ask).catch(() => {}) }
    return state()
  },
  async make() {
    const todo = [...photos.values()].filter(p => p.size), began = performance.now()
    made = {what: 'make', done: 0, total: todo.length, left: null, before: 0}
    const mine = made
    ;(async () => {
      for (const p of todo) {
        if (made !== mine) return
        if (photos.has(p.id)) await finish(p, p.ask).catch(() => {})  // p.failed says why
        mine.done++; mine.left = Math.round((performance.now()-began)/1000/mine.done*(mine.total-mine.done))
      }
      if (made === mine) made = null
    })()
    return state()
  },
  async stop() { made = null; for (const p of [...photos.values()]) if (!p.size) forget(p); return state() },
  async remove(id) { forget(get(id)); return state() },
  async read() { refused.length = 0; return state() },
  async clear() { made = null; refused.length = 0; for (const p of [...photos.values()]) forget(p); return state() },
}
