// node web.mjs CASES.json: what browser/ makes of golden vectors, as JSON on standard output. See test_web.py

import {readFileSync} from 'node:fs'
import * as paint from '../browser/paint.js'
import {findPlaces, foundOn, mean} from '../browser/align.js'
import * as agree from '../browser/agree.js'
import * as reach from '../browser/reach.js'
import * as steer from '../browser/steer.js'
import {sureHints, takenColors, takenLook} from '../browser/transfer.js'
import {BINS} from '../browser/bins.js'
import {CUBIC, LINEAR, reduce, resize} from '../browser/resample.js'

const types = {f: Float32Array, B: Uint8Array}
const read = ({t, data}) => { const b = Buffer.from(data, 'base64'); return new types[t](b.buffer.slice(b.byteOffset, b.byteOffset+b.length)) }
const give = a => Buffer.from(a.buffer, a.byteOffset, a.byteLength).toString('base64')
const rgba = ({px}) => pixels(px)
const pixels = ({shape: [h, w, c], ...px}) => {
  const a = read({...px}), out = new Uint8ClampedArray(4*w*h).fill(255)
  for (let i = 0; i < w*h; i++) for (let k = 0; k < 3; k++) out[4*i+k] = a[i*(c ?? 1)+(c ? k : 0)]
  return {px: out, w, h}
}
const look = o => ({ab: read(o.ab), logits: o.logits && read(o.logits), L: o.L && read(o.L), w: o.ab.shape[2], h: o.ab.shape[1], seen: o.seen, memo: {}})
const waves = (w, h) => Float32Array.from({length: BINS.length*w*h}, (_, at) => {  // as in test_web.py
  const c = Math.trunc(at/(w*h)), x = at%w, y = Math.trunc(at/w)%h, [a, b] = BINS[c]
  return Math.cos(1.7*c+.9*x+1.1*y)-((a-30*Math.cos(.21*x+.13*y))**2+(b-20-30*Math.sin(.11*x-.3*y))**2)/800
})

const lit = ({px, w, h}) => ({v: paint.lightness(px), w, h})
const canvas = ({px, w, h}) => ({data: px, width: w, height: h})

const make = {
  align: o => {
    const found = findPlaces(lit(rgba(o)), lit(pixels(o.other))), {at, sure} = foundOn(found, ...o.grid)
    return {at: give(Float32Array.from([...at.y, ...at.x])), sure: give(sure), all: mean(found.sure)}
  },
  transfer: async o => {
    const photo = canvas(rgba(o)), size = [photo.width, photo.height], known = takenColors(photo, canvas(pixels(o.other))), guess = () => look(o)
    const [plain, hinted] = await Promise.all([[], o.hints].map(hints => takenLook(known, hints, guess, size)))
    return {taken: known.taken, known: give(known.ab), sure: give(known.sure), hints: sureHints(known, size), plain: give(plain.ab), hinted: give(hinted.ab)}
  },
  resize: o => ({out: give(resize(read(o.x), o.size, o.to, o.box, o.linear ? LINEAR : CUBIC))}),
  light: o => ({out: give(paint.lightness(rgba(o).px))}),
  tone: o => { const {px, w, h} = rgba(o); return {out: paint.tone(px, w, h), chroma: paint.meanChroma(px, w, h)} },
  seen: o => {
    const {px, w, h} = rgba(o), size = paint.seenSize(w, h, o.side), k = paint.blocks(w, h, size)
    const L = paint.lightness(px), s = paint.seen(k > 1 ? reduce(L, w, h, k) : L, w, h, k, size, o.multiple)
    return {out: give(s.L), cells: give(paint.cells(s.L, s.w, s.h, 4)), size}
  },
  paint: o => {
    const {px, w, h} = rgba(o), {ab, L, w: W, h: H, seen: [sw, sh]} = look(o), lines = paint.edgeLines(ab, L, W, H, o.strength)
    const [x, y, cw, ch] = o.crop, part = new Uint8ClampedArray(4*cw*ch)
    for (let j = 0; j < ch; j++) part.set(px.subarray(4*((y+j)*w+x), 4*((y+j)*w+x+cw)), 4*j*cw)
    new paint.Painter(lines, [W, H], [cw, ch], [x*sw/w, y*sh/h, (x+cw)*sw/w, (y+ch)*sh/h]).paint(part)
    const p = new paint.Painter(lines, [W, H], [w, h], [0, 0, sw, sh]), half = h >> 1  // in two strips
    p.paint(px.subarray(0, 4*w*half)); p.paint(px.subarray(4*w*half), half)
    return {out: give(px), crop: give(part)}
  },
  steer: o => {
    const l = look(o), planes = steer.hintCells(o.hints, o.photo, l.seen, l.w, l.h), pinned = steer.pin(l.ab, l.L, planes, l.w, l.h)
    return {usual: steer.usualChroma(o.prior), planes: give(planes), pinned: give(pinned), vivid: give(agree.vividAb(l, o.vivid, o.prior)), error: give(steer.expectedError(l)),
      likely: steer.likely(l, o.photo, ...o.spot), doubtful: steer.doubtful(l, 3), others: [true, false].map(differs => steer.other(l, o.photo, o.cell, o.turn, differs, o.prior)), bins: BINS}
  },
  agree: o => {
    const [h, w] = o.L.shape, L = read(o.L), l = {ab: Float32Array.from([...L.map(v => v-50), ...L.map(v => 50-v)]), logits: waves(w, h), L, w, h, memo: {}}
    return {agreed: give(agree.agreedAb(l, o.prior)), at: give(Float32Array.from(agree.agreedAt(l, ...o.cell))), vivid: give(agree.vividAb(l, o.vivid, o.prior))}
  },
  reach: o => {
    const {ab, L, w, h, seen} = look(o), planes = steer.hintCells(o.hints, o.photo, seen, w, h), far = reach.reachCells(o.hints, o.photo, seen, w, h)
    const logits = waves(w, h)
    return {reach: give(far), spread: give(reach.spread(ab, L, planes, w, h)), alone: give(reach.belonging(L, far, w, h)), belonging: give(reach.belonging(L, far, w, h, logits)),
      steered: give(reach.steeredAb(ab, read(o.told), L, planes, far, w, h, logits))}
  },
  shown: o => ({out: o.lab.map(c => paint.shownAt(...c))}),
}
const cases = JSON.parse(readFileSync(process.argv[2]))
console.log(JSON.stringify(Object.fromEntries(await Promise.all(cases.map(async c => [c.name, await make[c.what](c)])))))
