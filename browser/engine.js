// The engine in the browser: the same calls as those of the server, see colorize_nb/page/web/engine.js, which this file replaces. Photos stay in this page's memory.

import {BUILT} from './built.js'
import {download} from './common.js'
import {names, zip} from './files.js'
import {english} from './words.js'

export class Stop extends Error { constructor(status, text) { super(text); this.status = status } }

const {limits, variants: VARIANTS} = BUILT.page
const photos = new Map(), refused = []
const worker = new Worker(new URL('worker.js', import.meta.url), {type: 'module'}), calls = new Map()
let count = 0, load = {done: 0, total: 1}, making = null
worker.onmessage = ({data: {n, gives, error, load: l, failed, threads, graphics}}) => {
  if (graphics) { document.body.dataset.graphics = JSON.stringify(graphics); return }
  if (l !== undefined) { load = l; if (threads) document.body.dataset.threads = threads; if (failed) refuse(english('said.page'), failed); return }
  const {ok, no} = calls.get(n)
  calls.delete(n)
  error === undefined ? ok(gives) : no(new Stop(422, error))
}
worker.onerror = e => {
  load = null
  refuse(english('said.page'), english('said.browser'))
  for (const {no} of calls.values()) no(new Stop(500, e.message || english('said.part')))
  calls.clear()
}
const call = (what, ...args) => new Promise((ok, no) => { calls.set(++count, {ok, no}); worker.postMessage({n: count, what, args}) })
function refuse(name, why) { if (!refused.some(r => r.name === name && r.why === why)) refused.push({name, why}) }
navigator.serviceWorker?.register(new URL('sw.js', import.meta.url)).catch(() => {})  // a private window may not

const PLAIN = {strength: 1, vivid: 0, variant: 0, hints: []}, same = (a, b) => JSON.stringify(a) === JSON.stringify(b)
function get(id) { const p = photos.get(id); if (!p) throw new Stop(422, english('said.gone')); return p }
async function state() {
  return {photos: [...photos.values()].map(({id, name, size, ask, pictures, previews, result, failed}) => ({id, name, size, ask, pictures, previews, made: !!result && same(result.ask, ask), failed})),
    refused: [...refused], progress: load ? {what: 'load', ...load} : making, before: 0}
}
async function withVariant(p, ask) {  // the worker needs the hints of a variant too
  const base = ask.variant ? (await variants(p)[Math.min(ask.variant, VARIANTS)]).hints : []
  return {...ask, hints: [...base, ...ask.hints]}
}
function variants(p) {  // ways to paint a photo, one after the other, found once: promises of {hints}; the first way is the network's own
  if (p.variants) return p.variants
  const cells = call('doubtful', p.id), all = p.variants = []
  async function hintsOf(i) {
    const hints = []
    for (const [k, cell] of (await cells).entries()) {
      const turn = (i*.618034+k*.754878)%1  // evenly over all ways, and otherwise at each place
      hints.push(await call('other', p.id, hints, cell, turn, !k))
    }
    return hints
  }
  const find = async i => ({hints: i ? await hintsOf(i) : []})
  for (let i = 0; i <= VARIANTS; i++) {
    all[i] = i ? all[i-1].then(() => find(i)) : find(i)
    all[i].catch(() => { if (p.variants === all) p.variants = null })
  }
  return all
}
function shown(p, ask, signal) {  // addresses of small pictures, one for each way: promises
  p.urls?.forEach(u => URL.revokeObjectURL(u))
  const urls = p.urls = []
  return variants(p).map(async v => {
    const {hints} = await v
    signal?.throwIfAborted()
    const url = URL.createObjectURL(await call('variant', p.id, {...ask, hints: [...hints, ...ask.hints]}))
    urls.push(url)
    return url
  })
}
async function preview(p, ask) {
  const {thumb, ...r} = await call('preview', p.id, await withVariant(p, ask))
  Object.assign(p, {ask, thumb, previews: p.previews+1})
  return r
}
async function finish(p, ask) {
  if (p.result && same(p.result.ask, ask)) return p.result
  p.failed = ''
  try { p.result = {ask, ...await call('finish', p.id, await withVariant(p, ask))} } catch (e) { p.failed = e.message; throw e }
  return p.result
}
function forget(p) {
  photos.delete(p.id)
  call('remove', p.id)
  p.urls?.forEach(u => URL.revokeObjectURL(u))
}
function add(file, name = file.name) {
  if (photos.size >= limits.photos) throw new Stop(422, english('said.many', {photos: limits.photos}))
  const p = {id: `${++count}`, name, size: null, ask: PLAIN, pictures: [], previews: 0, result: null, failed: ''}
  photos.set(p.id, p)
  call('open', p.id, file).then(async ({size, before}) => {
    if (!photos.has(p.id)) return call('remove', p.id)  // it was removed meanwhile
    p.before = before
    await preview(p, p.ask)
    p.size = size
    call('graphics', p.id).catch(() => {})  // it was removed meanwhile
  }).catch(e => { if (photos.delete(p.id)) refuse(name, e.message) })
  return state()
}
async function made(p, what) {  // a File: the result, or before and after in one picture
  const {blob, suffix} = p.result, name = names([{name: p.name, suffix}])[0].split('/').pop()
  if (what === 'file') return new File([blob], name, {type: blob.type})
  const pair = await call('pair', p.id, await withVariant(p, p.result.ask))
  return new File([pair], name.replace(/-color\.\w+$/, '-compare.jpg'), {type: pair.type})
}
async function saveAll() {
  const done = [...photos.values()].filter(p => p.result && same(p.result.ask, p.ask))
  if (!done.length) throw new Stop(422, english('said.no result'))
  const named = names(done.map(p => ({name: p.name, suffix: p.result.suffix})))
  download(await zip(done.map((p, i) => ({name: named[i], blob: p.result.blob}))), 'photos-color.zip')
}
addEventListener('beforeunload', e => { if (photos.size) e.preventDefault() })  // a reload forgets them

export const engine = {
  begin: async () => ({...await state(), settings: BUILT.settings}),
  state,
  async add(file) {
    try { await file.slice(0, 1).arrayBuffer() } catch { throw new Stop(422, english('said.unreadable')) }
    return add(file)
  },
  async example(name) {
    const r = await fetch(`photos/${name}.jpg`).catch(() => null)
    if (!r?.ok) throw new Stop(422, english('said.no example'))
    return add(await r.blob(), `${name}.jpg`)
  },
  before: async id => get(id).before,
  thumb: async id => get(id).thumb,
  preview: async (id, ask) => preview(get(id), ask),
  variants: async (id, ask, signal) => shown(get(id), ask, signal),
  likely: async (id, ask, x, y) => call('likely', id, await withVariant(get(id), ask), x, y),
  doubt: async (id, ask) => call('doubt', id, await withVariant(get(id), ask)),
  crop: async (id, ask, side, box, width) => call('crop', id, await withVariant(get(id), ask), side, box, width),
  async finish(id, ask) { const p = get(id), {blob, suffix} = await finish(p, ask); return {name: names([{name: p.name, suffix}])[0], bytes: blob.size} },
  async picture(id, file) {
    const p = get(id), picture = `${++count}`
    try { await file.slice(0, 1).arrayBuffer() } catch { throw new Stop(422, english('said.unreadable')) }
    const found = {id: picture, name: file.name, ...await call('picture', id, picture, file)}
    p.pictures = [...p.pictures, found]
    return found
  },
  file: async (id, what) => made(get(id), what),
  async save(id, what) {
    if (!what) return saveAll()
    const file = await made(get(id), what)
    download(file, file.name)
  },
  async all({aside = [], ...shared}) {
    for (const p of photos.values()) {
      const ask = {...p.ask, ...shared}
      if (!p.size || aside.includes(p.id) || same(p.ask, ask)) continue
      p.ask = ask
      preview(p, ask).catch(() => {})
    }
    return state()
  },
  async make() {
    const todo = [...photos.values()].filter(p => p.size), began = performance.now()
    making = {what: 'make', done: 0, total: todo.length, left: null, before: 0}
    const mine = making
    ;(async () => {
      for (const p of todo) {
        if (making !== mine) return
        if (photos.has(p.id)) await finish(p, p.ask).catch(() => {})  // p.failed says why
        mine.done++; mine.left = Math.round((performance.now()-began)/1000/mine.done*(mine.total-mine.done))
      }
      if (making === mine) making = null
    })()
    return state()
  },
  async stop() { making = null; for (const p of [...photos.values()]) if (!p.size) forget(p); return state() },
  async remove(id) { forget(get(id)); return state() },
  async read() { refused.length = 0; return state() },
  async clear() { making = null; refused.length = 0; for (const p of [...photos.values()]) forget(p); return state() },
}
