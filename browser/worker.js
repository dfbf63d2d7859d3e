// Everything heavy, in a thread of its own: decoding, the network, painting, encoding. One call at a time; those that a visitor waits for come first.
// It keeps the file of each photo and the network's input; pixels are decoded again when they are needed, so that a hundred photos fit.
// Limits, sizes and sentences come from Python: tools/site.py writes them into built.js.

import {BUILT} from './built.js'
import {Painter, blocks, cells, edgeLines, lightness, meanChroma, seen, seenSize, tone} from './paint.js'
import {LINEAR, reduce, resize} from './resample.js'
import {doubtful, expectedError, hintCells, likely, other} from './steer.js'
import {reachCells, steeredAb} from './reach.js'
import {vividAb} from './agree.js'
import {noted, sniff} from './files.js'
import {SMALL_SHARE, Unusable, takenColors, takenLook} from './transfer.js'
import {open} from './network.js'
import {english} from './words.js'

const {limits, notes, nearlyGray, previewPixels, variantPixels, doubtPixels, doubt: DOUBT, veil: VEIL, opacity} = BUILT.page
const STRIP = 2**20  // pixels that are painted at a time
const SAME = .01  // of ab/110: how far a graphics card may be off
const THUMB = 40_000, PAIR = 1600  // pixels of a thumbnail, and width of before and after in one picture
const photos = new Map()  // id -> {file, size, tone, net, grid, pictures: Map of an id -> {file}, ...}

// ---- the network

let loading = null
function network() {
  const threads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1
  loading ??= open('wasm', threads, (done, total) => postMessage({load: {done, total}})).then(net => { postMessage({load: null, threads}); return net })
    .catch(e => { loading = null; postMessage({load: null, failed: english('said.network', {why: e.message ?? e})}); throw new Error(english('said.no network')) })
  return loading
}

let card = null  // the graphics card, where it is quicker
const feeds = ({net, grid}, planes) => [net.L, planes, [[1, 1, net.h, net.w], [1, 3, grid.h, grid.w]]]
async function run(p, planes) {  // the answer of the network
  const args = feeds(p, planes)
  if (card) try { return await card(...args) } catch { card = null }
  return (await network()).run(...args)
}
let tried = false
async function graphics(id) {  // look for a graphics card: in a worker of its own, since a bad one takes minutes
  if (tried || navigator.connection?.saveData || !self.WebAssembly?.Suspending) return
  tried = true
  const there = await navigator.gpu?.requestAdapter().catch(() => null)
  if (!there || there.info?.isFallbackAdapter) return
  const p = photos.get(id), args = feeds(p, new Float32Array(3*p.grid.w*p.grid.h))
  const time = async f => { const t = performance.now(), {ab} = await f(...args); return [ab, performance.now()-t] }
  const [want, slow] = await time((await network()).run)
  const own = new Worker(new URL('card.js', import.meta.url), {type: 'module'})
  const finite = a => a.every(Number.isFinite)
  const ask = (wait, ...args) => new Promise((ok, fail) => {
    const no = e => { clearTimeout(late); own.terminate(); fail(e) }, late = setTimeout(() => no(new Error('late')), wait)
    own.onerror = e => { e.preventDefault(); no(e) }  // else it would be an error of the whole page
    own.onmessage = ({data: {gives: g, error}}) => { clearTimeout(late); g && finite(g.ab) && finite(g.logits) ? ok(g) : no(new Error(error ?? 'NaN')) }
    own.postMessage(args)
  })
  ask(120_000, ...args).then(async () => {  // it is loaded, and its programs are compiled
    const quick = (...args) => ask(10_000, ...args), [ab, took] = await time(quick)
    const off = ab.reduce((most, v, i) => Math.max(most, Math.abs(v-want[i])), 0), used = off <= SAME && took < slow
    if (used) card = quick; else own.terminate()
    postMessage({graphics: {used, off, took, slow}})
  }).catch(e => { own.terminate(); postMessage({graphics: {used: false, error: e.message ?? 'missing'}}) })
}

// ---- what the network makes of a photo, as Colorizer.look of Python

const answers = new Map()  // the last few of the network, by photo and hints
const oldest = map => map.keys().next().value
async function answer(id, hints) {
  const key = JSON.stringify([id, hints.map(({x, y, color}) => [x, y, color])])
  const found = answers.get(key) ?? await ask(id, hints)
  answers.delete(key)
  answers.set(key, found)  // as the newest
  if (answers.size > 8) answers.delete(oldest(answers))
  return found
}
async function ask(id, hints) {
  const p = photos.get(id), {w, h, seen, L} = p.grid, planes = hintCells(hints, p.size, seen, w, h)
  const {ab, logits} = await run(p, planes)
  return {ab: ab.map(v => v*110), logits, L, w, h, seen, planes, memo: {}}
}
async function look(id, hints, vivid = 0) {  // with the colours that are painted
  const {prior} = BUILT.model, plain = await answer(id, []), ab = vividAb(plain, vivid, prior)
  if (!hints.length) return {...plain, ab}
  const known = await answer(id, hints), {L, w, h, seen, planes} = known
  const reach = reachCells(hints, photos.get(id).size, seen, w, h)
  return {...known, ab: steeredAb(ab, vividAb(known, vivid, prior), L, planes, reach, w, h, plain.logits)}
}

// ---- the colours of a second picture

const takens = new Map()  // 'photo picture' -> what takenColors gave, and the last look with it: of the last few, 15 MB each
async function takenOf(id, picture) {
  const key = `${id} ${picture}`, kept = takens.get(key) ?? {known: takenColors(await small(id), await smallOf(photos.get(id).pictures.get(picture)))}
  takens.delete(key)
  takens.set(key, kept)
  if (takens.size > 3) takens.delete(oldest(takens))
  return kept
}
async function smallOf(source) {  // pixels of a picture, as many as those of a photo's preview
  const bitmap = await decode(source), [w, h] = shrunk([bitmap.width, bitmap.height], previewPixels)
  bounded([bitmap.width, bitmap.height])
  const g = canvas(w, h)
  g.fillStyle = '#fff'  // below what is transparent
  g.fillRect(0, 0, w, h)
  g.drawImage(bitmap, 0, 0, w, h)
  bitmap.close()
  return g.getImageData(0, 0, w, h)
}
async function colours(id, {hints, vivid, picture}) {  // the look that is painted
  if (!picture) return look(id, hints, vivid)
  const kept = await takenOf(id, picture), key = JSON.stringify([hints, vivid])
  if (kept.key !== key) Object.assign(kept, {look: await takenLook(kept.known, hints, all => look(id, all, vivid), photos.get(id).size), key})
  return kept.look
}

// ---- pixels

function canvas(w, h) {
  const g = new OffscreenCanvas(w, h).getContext('2d', {willReadFrequently: true})
  g?.fillRect(w-1, h-1, 1, 1)
  if (!g?.getImageData(w-1, h-1, 1, 1).data[3]) throw new Error(english('said.canvas', {width: w, height: h}))  // some give an empty one
  g.clearRect(w-1, h-1, 1, 1)
  g.imageSmoothingQuality = 'high'
  return g
}
const jpeg = (g, quality = .9) => g.canvas.convertToBlob({type: 'image/jpeg', quality})
async function decode({file, heic}) {
  try { return await createImageBitmap(file, {imageOrientation: 'from-image'}) }
  catch { throw new Error(heic ? english('said.heic', {install: BUILT.install.replace('[app]', '[app,heic]')}) : english('said.damaged')) }
}
let whole = null  // the one photo that is decoded at full size
async function full(id) {
  if (whole?.id !== id) { whole?.bitmap.close(); whole = null; whole = {id, bitmap: await decode(photos.get(id))} }
  return whole.bitmap
}
function drop() { whole?.bitmap.close(); whole = null }
const smalls = new Map()  // pixels of previews, of the last few photos
async function small(id) {
  if (smalls.has(id)) return smalls.get(id)
  const bitmap = await full(id), [w, h] = shrunk([bitmap.width, bitmap.height], previewPixels), g = canvas(w, h)
  g.drawImage(bitmap, 0, 0, w, h)
  const pixels = g.getImageData(0, 0, w, h)
  smalls.set(id, pixels)
  if (smalls.size > 3) smalls.delete(oldest(smalls))
  return pixels
}
function shrunk([w, h], pixels) {
  const k = Math.min(1, Math.sqrt(pixels/(w*h)))
  return [Math.max(1, Math.round(w*k)), Math.max(1, Math.round(h*k))]
}
async function scaled(id, pixels) {  // a canvas with a small copy
  const s = await small(id), from = canvas(s.width, s.height)
  from.putImageData(s, 0, 0)
  const [w, h] = shrunk([s.width, s.height], pixels)
  if (w === s.width) return from
  const g = canvas(w, h)
  g.drawImage(from.canvas, 0, 0, w, h)
  return g
}
function painter(l, strength, size, [x, y, w, h], [W, H]) {
  const kx = l.seen[0]/W, ky = l.seen[1]/H
  return new Painter(edgeLines(l.ab, l.L, l.w, l.h, strength), [l.w, l.h], size, [x*kx, y*ky, (x+w)*kx, (y+h)*ky])
}
function paint(g, l, strength, box, size) {  // colours on a canvas that shows a box of a photo, in strips
  const {width: w, height: h} = g.canvas, rows = Math.max(1, Math.floor(STRIP/w))
  const p = painter(l, strength, [w, h], box ?? [0, 0, w, h], size ?? [w, h])
  for (let y = 0; y < h; y += rows) {
    const part = g.getImageData(0, y, w, Math.min(rows, h-y))
    p.paint(part.data, y)
    g.putImageData(part, 0, y)
  }
  return g
}
function input(bitmap) {  // the network's input, and its grid
  const {render_size, multiple, out_scale} = BUILT.model, {width: w, height: h} = bitmap
  const size = seenSize(w, h, render_size), k = blocks(w, h, size), W = Math.ceil(w/k)
  const rows = Math.max(1, Math.floor(STRIP/w/k))*k
  const L = new Float32Array(W*Math.ceil(h/k)), g = canvas(w, Math.min(rows, h))
  for (let y = 0; y < h; y += rows) {
    const n = Math.min(rows, h-y)
    g.clearRect(0, 0, w, n); g.drawImage(bitmap, 0, y, w, n, 0, 0, w, n)
    const part = lightness(g.getImageData(0, 0, w, n).data)
    L.set(k > 1 ? reduce(part, w, n, k) : part, y/k*W)
  }
  const net = seen(L, w, h, k, size, multiple)
  return {net, grid: {w: net.w/out_scale, h: net.h/out_scale, seen: size.map(v => v/out_scale), L: cells(net.L, net.w, net.h, out_scale)}}
}

function hasHoles({data}) {  // whether a pixel is transparent
  for (let i = 3; i < data.length; i += 4) if (data[i] < 255) return true
  return false
}
function bounded([w, h]) { if (w*h > limits.pixels) throw new Error(english('said.pixels', {megapixels: limits.pixels/1e6})) }
function thumbnail(g) {
  const {width: w, height: h} = g.canvas, pixels = THUMB*Math.min(w, h)/Math.max(w, h)
  const small = canvas(...shrunk([w, h], Math.min(pixels, w*h)))
  small.drawImage(g.canvas, 0, 0, small.canvas.width, small.canvas.height)
  return jpeg(small, .8)
}
function notesOn(p, g, strength) {
  const {width: w, height: h} = g.canvas
  const gray = strength > 0 && meanChroma(g.getImageData(0, 0, w, h).data, w, h) < nearlyGray
  return [p.deep && english('said.deep'), notes[p.tone], gray && notes['nearly gray']].filter(Boolean)
}
function about({hints, vivid, strength}, taken) {  // the note in a result's metadata
  const hint = ({x, y, color, reach}) => [x, y, color, ...reach === undefined ? [] : [reach]].join()
  const {name: model, weights} = BUILT.model
  return {model, weights, strength, ...vivid && {vivid}, ...hints.length && {hints: hints.map(hint).join('; ')}, ...taken !== undefined && {colors_taken: taken.toFixed(2)}, version: BUILT.version}
}

// ---- what can be asked

const can = {
  async open(id, file) {
    const kind = await sniff(file)
    if (kind.size) bounded(kind.size)
    photos.set(id, {file, ...kind, pictures: new Map()})
    const bitmap = await full(id), size = [bitmap.width, bitmap.height]
    bounded(size)
    const s = await small(id), png = kind.plain || hasHoles(s)
    Object.assign(photos.get(id), {size, tone: tone(s.data, s.width, s.height), png, ...input(bitmap)})
    return {size, before: await jpeg(await scaled(id, previewPixels))}
  },
  async picture(id, picture, file) {  // another picture of the same scene: {taken, few}
    const {pictures} = photos.get(id), kind = await sniff(file)
    if (kind.size) bounded(kind.size)
    pictures.set(picture, {file, ...kind})
    try {
      const {known: {taken}} = await takenOf(id, picture)
      return {taken, few: taken < SMALL_SHARE}
    } catch (e) { pictures.delete(picture); throw e }
  },
  async preview(id, ask) {
    const g = paint(await scaled(id, previewPixels), await colours(id, ask), ask.strength)
    return {blob: await jpeg(g, .93), thumb: await thumbnail(g), notes: notesOn(photos.get(id), g, ask.strength)}
  },
  async variant(id, {hints, vivid, strength}) { return jpeg(paint(await scaled(id, variantPixels), await look(id, hints, vivid), strength), .85) },
  async likely(id, {hints}, x, y) { return likely(await look(id, hints), photos.get(id).size, x, y) },
  graphics,
  async doubtful(id) { return doubtful(await look(id, []), 3) },
  async other(id, hints, cell, turn, differs) {
    return other(await look(id, hints), photos.get(id).size, cell, turn, differs, BUILT.model.prior)
  },
  async doubt(id, {hints, picture}) {
    const l = await look(id, hints), [w, h] = shrunk(photos.get(id).size, doubtPixels), g = canvas(w, h)
    const shading = g.createImageData(w, h), [none, most] = DOUBT, taken = picture && (await takenOf(id, picture)).known
    const sure = taken && resize(taken.sure, [taken.w, taken.h], [w, h])
    resize(expectedError(l), [l.w, l.h], [w, h], [0, 0, ...l.seen], LINEAR).forEach((error, i) => {
      const d = sure ? error*(1-sure[i]) : error
      shading.data.set([...VEIL, Math.min(Math.max((d-none)/(most-none), 0), 1)*opacity], 4*i)
    })
    g.putImageData(shading, 0, 0)
    return g.canvas.convertToBlob()
  },
  async crop(id, ask, side, [x, y, w, h], width) {
    const bitmap = await full(id), W = Math.min(w, width), g = canvas(W, Math.max(1, Math.round(h*W/w)))
    g.drawImage(bitmap, x, y, w, h, 0, 0, g.canvas.width, g.canvas.height)
    if (side === 'after') paint(g, await colours(id, ask), ask.strength, [x, y, w, h], photos.get(id).size)
    return jpeg(g, .92)
  },
  async finish(id, ask) {
    const {size, png} = photos.get(id), l = await colours(id, ask), g = canvas(...size)
    g.drawImage(await full(id), 0, 0)
    drop()  // it is not needed now, and a phone has little memory
    paint(g, l, ask.strength)
    const blob = await g.canvas.convertToBlob(png ? {type: 'image/png'} : {type: 'image/jpeg', quality: .98})
    return {blob: await noted(blob, about(ask, l.taken)), suffix: png ? '.png' : '.jpg'}
  },
  async pair(id, ask) {
    const [w, h] = photos.get(id).size, k = Math.min(1, PAIR/Math.max(2.01*w, h)), l = await colours(id, ask)
    const before = paint(await scaled(id, w*h*k*k), l, 0), after = paint(await scaled(id, w*h*k*k), l, ask.strength)
    const {width, height} = before.canvas, gap = Math.max(2, Math.round(width/100)), g = canvas(2*width+gap, height)
    g.fillStyle = '#fff'
    g.fillRect(0, 0, 2*width+gap, height)
    g.drawImage(before.canvas, 0, 0)
    g.drawImage(after.canvas, width+gap, 0)
    return jpeg(g, .95)
  },
  async remove(id) {
    photos.delete(id)
    smalls.delete(id)
    if (whole?.id === id) drop()
    for (const key of answers.keys()) if (JSON.parse(key)[0] === id) answers.delete(key)
    for (const key of takens.keys()) if (key.startsWith(`${id} `)) takens.delete(key)
  },
}

function why(e) {
  if (e instanceof RangeError) return english('said.memory')
  if (e instanceof Unusable) return english(e.message, e.values)
  return e.message === 'NaN' ? english('said.numbers') : e.message ?? `${e}`
}
const LATER = {open: 1, graphics: 2, doubtful: 3, other: 3, variant: 3}
const queue = []
let busy = false
async function work() {
  if (busy) return
  busy = true
  const rank = ({what}) => LATER[what] ?? 0
  while (queue.length) {
    const first = queue.reduce((best, q, i) => rank(q) < rank(queue[best]) ? i : best, 0)
    const [{n, what, args}] = queue.splice(first, 1)
    try {
      if (what !== 'open' && what !== 'remove' && !photos.get(args[0])?.size) throw new Error(english('said.gone'))
      postMessage({n, gives: await can[what](...args)})
    } catch (e) {
      if (what === 'open') await can.remove(args[0])
      postMessage({n, error: why(e)})
    }
    await new Promise(ok => setTimeout(ok))  // a call that came meanwhile may go first
  }
  busy = false
}
onmessage = ({data}) => { queue.push(data); work() }
network().catch(() => {})
