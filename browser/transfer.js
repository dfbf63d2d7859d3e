// The colours of a second picture of the same scene. As colorize_nb.transfer does it; a look is as in steer.js, here without logits and on a finer grid.

import {SIDE, SMALLEST, blurred, findPlaces, foundOn, mean, sampled, shrunkSize} from './align.js'
import {abLines, even, lightness, rgb2lab, shownAt, tone} from './paint.js'
import {reachCells, steeredAb} from './reach.js'
import {LINEAR, reduce, resize} from './resample.js'
import {hex, hintCells} from './steer.js'

export const SMALL_SHARE = 1/3, LEAST_SHARE = .1  // of a photo that is found: below, a warning; below, a refusal
const FINEST = 768, SPOTS = 14, ALIKE = 20, SPECK = [1e-4, 12]

export class Unusable extends Error { constructor(key, values) { super(key); this.values = values } }  // a key of words.js says why

// pixels: {data, width, height}, as a canvas has them; L* at another size
export function smallLightness({data, width: w, height: h}, [W, H]) {
  const k = Math.max(1, Math.min(Math.trunc(h/(2*H)), Math.trunc(w/(2*W)))), L = lightness(data)
  return {v: resize(k > 1 ? reduce(L, w, h, k) : L, [Math.ceil(w/k), Math.ceil(h/k)], [W, H], [0, 0, w/k, h/k]), w: W, h: H}
}
const small = px => smallLightness(px, shrunkSize(px.width, px.height, SIDE))

function isGray({data, width, height}) {  // not even a red button
  if (tone(data, width, height) !== 'gray') return false
  let some = 0
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b] = data.subarray(i, i+3)
    if (r === g && g === b) continue
    const [, p, q] = rgb2lab(r, g, b)
    some += Math.hypot(p, q) > SPECK[1]
  }
  return 4*some/data.length < SPECK[0]
}

// ---- where the photo is

const turned = ({v, w, h}) => ({v: Float32Array.from(v, (_, i) => v[i%h*w+w-1-Math.trunc(i/h)]), w: h, h: w})  // a quarter, to the left
function back({at, sure, fit: {m: [down, right], mid: [y, x], score}}) {  // what was found in a picture that was turned so
  return {at: {...at, y: at.x, x: at.y.map(v => 1-v)}, sure, fit: {m: [right, down.map(v => -v)], mid: [x, 1-y], score}}
}
function found(photo, other) {  // in the picture as it lies, or turned
  let L = small(other)
  const own = small(photo), upright = findPlaces(own, L)
  if (mean(upright.sure) >= SMALL_SHARE) return upright
  for (const quarter of [1, 2, 3]) {
    L = turned(L)
    let there = findPlaces(own, L)
    if (mean(there.sure) < SMALL_SHARE) continue
    for (let k = 0; k < quarter; k++) there = back(there)
    return there
  }
  return upright
}

// ---- its colours

const area = ({fit: {m: [[a, b], [c, d]]}}) => Math.abs(a*d-b*c)  // of the picture that the photo takes up
function grid(there, {width: w, height: h}, other) {  // [w, h]: cells as large as the picture's pixels, or larger
  const k = Math.min(1, FINEST/Math.max(h, w), Math.sqrt(area(there)*other.width*other.height/(h*w)))
  return [Math.max(1, even(w*k)), Math.max(1, even(h*k))]
}
function colors({data, width: w, height: h}, cells, there) {  // a* and b*, no finer than so many cells need them: two planes
  const k = Math.min(1, Math.sqrt(cells/(area(there)*h*w))), W = Math.max(1, even(w*k)), H = Math.max(1, even(h*k))
  const rgb = [0, 1, 2].map(c => {
    const plane = Float32Array.from({length: w*h}, (_, i) => data[4*i+c])
    if (W === w && H === h) return plane
    const narrow = resize(plane, [w, h], [W, h], [0, 0, w, h], LINEAR).map(even)  // whole numbers after each side, as Pillow has them
    return resize(narrow, [W, h], [W, H], [0, 0, W, h], LINEAR).map(even)
  })
  const planes = [new Float32Array(W*H), new Float32Array(W*H)]
  for (let i = 0; i < W*H; i++) {
    const [, a, b] = rgb2lab(...rgb.map(p => p[i]))
    planes[0][i] = a; planes[1][i] = b
  }
  return planes.map(v => ({v, w: W, h: H}))
}

// What the picture has for the photo, on a fine grid: {taken: share that was found, ab, sure, L, w, h}; throws where it cannot be used
export function takenColors(photo, other) {
  if (Math.min(photo.width, photo.height) < SMALLEST) throw new Unusable('said.small photo')
  if (Math.min(other.width, other.height) < SMALLEST) throw new Unusable('said.small picture', {size: `${other.width}x${other.height}`})
  if (isGray(other)) throw new Unusable('said.gray picture')
  const there = found(photo, other), taken = mean(there.sure)
  if (taken < LEAST_SHARE) throw new Unusable('said.other scene', {share: `${even(100*taken)}%`})
  const [w, h] = grid(there, photo, other), {at, sure} = foundOn(there, w, h), ab = new Float32Array(2*w*h)
  colors(other, w*h, there).forEach((plane, c) => ab.set(sampled(plane, at), c*w*h))
  return {taken, ab, sure, L: smallLightness(photo, [w, h]).v, w, h}
}

// ---- the rest is guessed

export function sureHints({ab, L, sure, w, h}, [W, H]) {  // what is surely known of a photo of [W, H]
  const across = Math.max(h, w)/SPOTS, even = [0, 1].map(c => blurred(ab.subarray(c*w*h, (c+1)*w*h), w, h, Math.max(1, across/8))), hints = []
  for (let y = across/2; y < h; y += across) for (let x = across/2; x < w; x += across) {
    const row = Math.trunc(y), column = Math.trunc(x), i = row*w+column
    if (sure[i] > .95) hints.push({x: Math.floor((column+.5)/w*W), y: Math.floor((row+.5)/h*H), color: hex(shownAt(L[i], even[0][i], even[1][i]))})
  }
  return hints
}
function enlarged(ab, look, {L, w, h}) {  // colours of a network's grid on a finer one, along its edges
  const n = look.w*look.h, out = new Float32Array(2*w*h)
  for (const c of [0, 1]) {
    const [slope, offset] = abLines(ab.subarray(c*n, (c+1)*n), look.L, look.w, look.h).map(p => resize(p, [look.w, look.h], [w, h], [0, 0, ...look.seen]))
    for (let i = 0; i < w*h; i++) out[c*w*h+i] = slope[i]*L[i]+offset[i]
  }
  return out
}
function coarse(ab, {w, h}, look) {  // fine colours on a network's grid, padding included
  const at = {y: new Float64Array(look.w*look.h), x: new Float64Array(look.w*look.h)}, out = new Float32Array(2*look.w*look.h)
  for (let i = 0; i < at.y.length; i++) { at.y[i] = (Math.trunc(i/look.w)+.5)/look.seen[1]; at.x[i] = (i%look.w+.5)/look.seen[0] }
  const sigma = Math.max(1, Math.max(h/look.seen[1], 1)/3)
  for (const c of [0, 1]) out.set(sampled({v: blurred(ab.subarray(c*w*h, (c+1)*w*h), w, h, sigma), w, h}, at), c*at.y.length)
  return out
}
function change(ab, fine, look, hints, size) {  // how hints change fine colours, on a network's grid
  const {w, h, L, seen} = look, n = w*h, cells = coarse(ab, fine, look), planes = hintCells(hints, size, seen, w, h)
  const steered = steeredAb(cells, null, L, planes, reachCells(hints, size, seen, w, h), w, h), spots = []
  for (let i = 0; i < n; i++) if (planes[2*n+i] > 0) spots.push(i)
  const like = Float32Array.from({length: n}, (_, i) => {
    let apart = Infinity
    for (const s of spots) apart = Math.min(apart, (cells[i]-cells[s])**2+(cells[n+i]-cells[n+s])**2)
    return Math.exp(-apart/(2*ALIKE**2))
  })
  return steered.map((v, at) => (v-cells[at])*like[at%n])
}

// known: from takenColors; guess: hints -> the network's look, or a promise of it; size: [w, h] of the photo that hints are for
export async function takenLook(known, hints, guess, size) {
  let {ab} = known
  const {taken, sure, L, w, h} = known, n = w*h
  if (taken < .999 || hints.length) {
    const look = await guess([...sureHints(known, size), ...hints]), rest = enlarged(look.ab, look, known)
    ab = ab.map((v, at) => v*sure[at%n]+rest[at]*(1-sure[at%n]))
    if (hints.length) {
      const more = enlarged(change(ab, known, look, hints, size), look, known)
      ab = ab.map((v, at) => v+more[at])
    }
  }
  return {ab, L, w, h, seen: [w, h], taken}
}
