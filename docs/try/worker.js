// Everything heavy, in a thread of its own: decoding, the network, painting, encoding. One call at a time; what somebody waits for comes first.
// Of each photo it keeps its file and what the network sees of it; pixels are decoded again when they are needed, so that a hundred photos fit.

import {BUILT} from './built.js'
import {Painter, blocks, cells, edgeLines, lightness, meanChroma, seen, seenSize, tone} from './paint.js'
import {LINEAR, reduce, resize} from './resample.js'
import {doubtful, expectedError, hintCells, likely, other} from './steer.js'
import {reachCells, steeredAb} from './reach.js'
import {vividAb} from './agree.js'
import {noted, sniff} from './files.js'
import {open} from './network.js'

const SMALL = 1_200_000, STRIP = 2**20, NEARLY_GRAY = 2.5, DOUBT = [10, 22], MOST = 60e6, SAME = .01  // pixels; C*; units of a*b*; of ab/110
const NOTES = {tinted: 'Sepia or yellowed: its tone is taken out.', color: 'A colour photo: its own colours are replaced by guesses.',
  gray: 'It stayed nearly gray: try Vivid, another suggestion, or set a colour yourself.', deep: '16 bits become 8 in a browser; the program keeps them.'}
const photos = new Map()

// ---- the network

let loading = null
function network() {
  const threads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1
  loading ??= open('wasm', threads, (done, total) => postMessage({load: {done, total}})).then(net => { postMessage({load: null, threads}); return net })
    .catch(e => { loading = null; postMessage({load: null, failed: `The network cannot be loaded (${e.message ?? e}). Is there a connection?`}); throw new Error('the network is not loaded') })
  return loading
}

let card = null  // the graphics card, where it is quicker
const feeds = ({net, grid}, planes) => [net.L, planes, [[1, 1, net.h, net.w], [1, 3, grid.h, grid.w]]]
async function run(p, planes) {
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
    own.onmessage = ({data: {gives: g, error}}) => { clearTimeout(late); g && finite(g.ab) && finite(g.logits) ? ok(g) : no(new Error(error ?? 'it gives no numbers')) }
    own.postMessage(args)
  })
  ask(120_000, ...args).then(async () => {  // it is loaded, and its programs are compiled
    const quick = (...args) => ask(10_000, ...args), [ab, took] = await time(quick)
    const off = ab.reduce((most, v, i) => Math.max(most, Math.abs(v-want[i])), 0), used = off <= SAME && took < slow
    if (used) card = quick; else own.terminate()
    postMessage({graphics: {used, off, took, slow}})
  }).catch(e => { own.terminate(); postMessage({graphics: {used: false, error: e.message ?? 'it cannot be loaded'}}) })
}
const looks = new Map()  // the last few answers of the network, by photo and hints
async function told(id, points) {  // what the network says when it knows some points
  const key = JSON.stringify([id, points.map(({x, y, color}) => [x, y, color])]), p = photos.get(id)
  let l = looks.get(key)
  looks.delete(key)
  if (!l) {
    const {grid: {w, h, seen, L}, size} = p, planes = hintCells(points, size, seen, w, h), out = await run(p, planes)
    l = {ab: out.ab.map(v => v*110), logits: out.logits, L, w, h, seen, planes, memo: {}}
  }
  looks.set(key, l)  // as the newest
  if (looks.size > 8) looks.delete(looks.keys().next().value)
  return l
}
async function look(id, points, vivid = 0) {  // with the colours that are painted
  const {prior} = BUILT.model, plain = await told(id, []), ab = vividAb(plain, vivid, prior)
  if (!points.length) return {...plain, ab}
  const l = await told(id, points), {L, w, h, seen, planes} = l
  return {...l, ab: steeredAb(ab, vividAb(l, vivid, prior), L, planes, reachCells(points, photos.get(id).size, seen, w, h), w, h)}
}

// ---- pixels

function canvas(w, h) {
  const g = new OffscreenCanvas(w, h).getContext('2d', {willReadFrequently: true})
  g?.fillRect(w-1, h-1, 1, 1)
  if (!g?.getImageData(w-1, h-1, 1, 1).data[3]) throw new Error(`${w} x ${h} pixels are too many for this browser`)  // some give an empty one
  g.clearRect(w-1, h-1, 1, 1)
  g.imageSmoothingQuality = 'high'
  return g
}
const jpeg = (g, quality = .9) => g.canvas.convertToBlob({type: 'image/jpeg', quality})
async function decode(file) {
  try { return await createImageBitmap(file, {imageOrientation: 'from-image'}) }
  catch { throw new Error('it is damaged, or of a kind that this browser cannot open') }
}
let whole = null  // the one photo that is decoded at full size
async function full(id) {
  if (whole?.id !== id) { whole?.bitmap.close(); whole = null; whole = {id, bitmap: await decode(photos.get(id).file)} }
  return whole.bitmap
}
function drop() { whole?.bitmap.close(); whole = null }
const smalls = new Map()  // pixels of previews, of the last few photos
async function small(id) {
  let s = smalls.get(id)
  if (!s) {
    const bitmap = await full(id), [w, h] = shrunk([bitmap.width, bitmap.height], SMALL), g = canvas(w, h)
    g.drawImage(bitmap, 0, 0, w, h)
    s = g.getImageData(0, 0, w, h)
    smalls.set(id, s)
    if (smalls.size > 3) smalls.delete(smalls.keys().next().value)
  }
  return s
}
function shrunk([w, h], pixels) { const k = Math.min(1, Math.sqrt(pixels/(w*h))); return [Math.max(1, Math.round(w*k)), Math.max(1, Math.round(h*k))] }
async function scaled(id, pixels) {  // a canvas with a small copy
  const s = await small(id), from = canvas(s.width, s.height)
  from.putImageData(s, 0, 0)
  const [w, h] = shrunk([s.width, s.height], pixels)
  if (w === s.width) return from
  const g = canvas(w, h)
  g.drawImage(from.canvas, 0, 0, w, h)
  return g
}
const painter = (l, strength, [w, h], [x, y, bw, bh], [W, H]) => new Painter(edgeLines(l.ab, l.L, l.w, l.h, strength), [l.w, l.h], [w, h],
  [x*l.seen[0]/W, y*l.seen[1]/H, (x+bw)*l.seen[0]/W, (y+bh)*l.seen[1]/H])
function paint(g, l, strength, box, size) {  // colours on a canvas that shows a box of a photo, in strips
  const {width: w, height: h} = g.canvas, p = painter(l, strength, [w, h], box ?? [0, 0, w, h], size ?? [w, h]), rows = Math.max(1, Math.floor(STRIP/w))
  for (let y = 0; y < h; y += rows) {
    const part = g.getImageData(0, y, w, Math.min(rows, h-y))
    p.paint(part.data, y)
    g.putImageData(part, 0, y)
  }
  return g
}
function seeable(bitmap) {  // what the network sees of a photo
  const {render_size, multiple, out_scale} = BUILT.model, {width: w, height: h} = bitmap, size = seenSize(w, h, render_size), k = blocks(w, h, size), W = Math.ceil(w/k), rows = Math.max(1, Math.floor(STRIP/w/k))*k
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

// ---- what can be asked

const can = {
  async open(id, file) {
    const about = await sniff(file)
    if (about.size && about.size[0]*about.size[1] > MOST) throw new Error(`more than ${MOST/1e6} megapixels`)
    photos.set(id, {file, ...about})
    const bitmap = await full(id), size = [bitmap.width, bitmap.height]
    if (size[0]*size[1] > MOST) throw new Error(`more than ${MOST/1e6} megapixels`)
    const s = await small(id)
    let clear = false
    for (let i = 3; i < s.data.length && !clear; i += 4) clear = s.data[i] < 255
    Object.assign(photos.get(id), {size, tone: tone(s.data, s.width, s.height), png: about.plain || clear, ...seeable(bitmap)})
    return {size, before: await jpeg(await scaled(id, SMALL))}
  },
  async look(id, {points, vivid, strength}) {
    const p = photos.get(id), g = paint(await scaled(id, SMALL), await look(id, points, vivid), strength), {width: w, height: h} = g.canvas
    const gray = strength > 0 && meanChroma(g.getImageData(0, 0, w, h).data, w, h) < NEARLY_GRAY, t = canvas(...shrunk([w, h], Math.min(40_000*Math.min(w, h)/Math.max(w, h), w*h)))
    t.drawImage(g.canvas, 0, 0, t.canvas.width, t.canvas.height)
    return {blob: await jpeg(g, .93), thumb: await jpeg(t, .8), notes: [p.deep && 'deep', p.tone !== 'gray' && p.tone, gray && 'gray'].filter(Boolean).map(k => NOTES[k])}
  },
  async guess(id, {points}) { return jpeg(paint(await scaled(id, 90_000), await look(id, points), 1), .85) },
  async likely(id, {points}, x, y) { return likely(await look(id, points), photos.get(id).size, x, y) },
  graphics,
  async doubtful(id) { return doubtful(await look(id, []), 3) },
  async other(id, points, cell, turn, differs) { return other(await look(id, points), photos.get(id).size, cell, turn, differs, BUILT.model.prior) },
  async doubt(id, {points}) {
    const l = await look(id, points), [w, h] = shrunk(photos.get(id).size, 250_000), g = canvas(w, h), veil = g.createImageData(w, h)
    resize(expectedError(l), [l.w, l.h], [w, h], [0, 0, ...l.seen], LINEAR).forEach((d, i) =>
      veil.data.set([214, 30, 160, Math.min(Math.max((d-DOUBT[0])/(DOUBT[1]-DOUBT[0]), 0), 1)*190], 4*i))
    g.putImageData(veil, 0, 0)
    return g.canvas.convertToBlob()
  },
  async crop(id, {points, vivid, strength}, side, [x, y, w, h], width) {
    const bitmap = await full(id), W = Math.min(w, width), g = canvas(W, Math.max(1, Math.round(h*W/w)))
    g.drawImage(bitmap, x, y, w, h, 0, 0, g.canvas.width, g.canvas.height)
    if (side === 'after') paint(g, await look(id, points, vivid), strength, [x, y, w, h], photos.get(id).size)
    return jpeg(g, .92)
  },
  async finish(id, {points, vivid, strength}) {
    const p = photos.get(id), bitmap = await full(id), g = canvas(...p.size)
    g.drawImage(bitmap, 0, 0)
    drop()  // what is not needed now: a phone has little room
    paint(g, await look(id, points, vivid), strength)
    const blob = await g.canvas.convertToBlob(p.png ? {type: 'image/png'} : {type: 'image/jpeg', quality: .98})
    const about = {model: BUILT.model.name, weights: BUILT.model.weights, strength, ...vivid && {vivid},
      ...points.length && {hints: points.map(q => [q.x, q.y, q.color, ...q.reach === undefined ? [] : [q.reach]].join()).join('; ')}, version: BUILT.version}
    return {blob: await noted(blob, about), suffix: p.png ? '.png' : '.jpg'}
  },
  async pair(id, {points, vivid, strength}) {
    const [w, h] = photos.get(id).size, k = Math.min(1, 1600/Math.max(2.01*w, h)), pixels = w*h*k*k, l = await look(id, points, vivid)
    const before = paint(await scaled(id, pixels), l, 0), after = paint(await scaled(id, pixels), l, strength), {width} = before.canvas, gap = Math.max(2, Math.round(width/100))
    const g = canvas(2*width+gap, before.canvas.height)
    g.fillStyle = '#fff'; g.fillRect(0, 0, 2*width+gap, before.canvas.height)
    g.drawImage(before.canvas, 0, 0); g.drawImage(after.canvas, width+gap, 0)
    return jpeg(g, .95)
  },
  async remove(id) {
    photos.delete(id); smalls.delete(id)
    if (whole?.id === id) drop()
    for (const key of looks.keys()) if (JSON.parse(key)[0] === id) looks.delete(key)
  },
}

const LATER = {open: 1, graphics: 2, doubtful: 3, other: 3, guess: 3}
const queue = []
let busy = false
async function work() {
  if (busy) return
  busy = true
  while (queue.length) {
    const [{n, what, args}] = queue.splice(queue.reduce((best, q, i) => (LATER[q.what] ?? 0) < (LATER[queue[best].what] ?? 0) ? i : best, 0), 1)
    try {
      if (what !== 'open' && what !== 'remove' && !photos.get(args[0])?.size) throw new Error('the photo is gone')
      postMessage({n, gives: await can[what](...args)})
    } catch (e) {
      if (what === 'open') await can.remove(args[0])
      postMessage({n, error: e instanceof RangeError ? 'out of memory' : e.message ?? `${e}`})
    }
    await new Promise(ok => setTimeout(ok))  // what was asked meanwhile may come first
  }
  busy = false
}
onmessage = ({data}) => { queue.push(data); work() }
network().catch(() => {})
