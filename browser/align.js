// Where each place of a photo is in a second picture of the same scene, and how sure that is. As colorize_nb.align does it.
// A plane is {v, w, h}: values, row after row. Places are {y, x, w, h}: for each cell of a grid a row and a column, from 0 to 1.

import {correlator} from './fourier.js'
import {even, solve} from './paint.js'
import {resize} from './resample.js'

export const SIDE = 384, SMALLEST = 8  // pixels along the longer side of what is laid on each other; a smaller picture shows nothing
const COARSE = 48, GRAIN = 3, LEAST = .25
const ZOOMS = Array.from({length: 19}, (_, i) => Math.exp(.07*(i-9))), TURNS = [-12, -8, -4, 0, 4, 8, 12].map(v => v*Math.PI/180)
const WINDOW = 4, STIFF = 5, SURE = 5, DOUBTED = .25, TRUSTED = .5, OFF = [8, 20], GRAINY = 2.4

const clamp = (v, lo, hi) => v < lo ? lo : v > hi ? hi : v
const plane = (v, w, h) => ({v, w, h})
export const mean = v => { let sum = 0; for (const x of v) sum += x; return sum/v.length }

// ---- what stands out of its surroundings

function rows(v, w, h, reach) {  // means over 2*reach+1 values along each row; the edge is repeated
  const out = new Float32Array(w*h), n = 2*reach+1
  for (let y = 0, at = 0; y < h; y++, at += w) {
    let sum = 0
    for (let d = -reach; d <= reach; d++) sum += v[at+clamp(d, 0, w-1)]
    for (let x = 0; x < w; x++) { out[at+x] = sum/n; sum += v[at+Math.min(x+reach+1, w-1)]-v[at+Math.max(x-reach, 0)] }
  }
  return out
}
function columns(v, w, h, reach) {
  const out = new Float32Array(w*h), sum = new Float64Array(w), n = 2*reach+1
  for (let d = -reach; d <= reach; d++) for (let x = 0, at = clamp(d, 0, h-1)*w; x < w; x++) sum[x] += v[at+x]
  for (let y = 0; y < h; y++) {
    const more = Math.min(y+reach+1, h-1)*w, less = Math.max(y-reach, 0)*w
    for (let x = 0; x < w; x++) { out[y*w+x] = sum[x]/n; sum[x] += v[more+x]-v[less+x] }
  }
  return out
}
export function blurred(v, w, h, sigma) {  // two box filters along each side
  const reach = Math.max(1, even((Math.sqrt(6*sigma*sigma+1)-1)/2))
  return rows(rows(columns(columns(v, w, h, reach), w, h, reach), w, h, reach), w, h, reach)
}
function detail({v, w, h}, sigma = 6) {  // lightness less its local mean, over its local spread
  const off = blurred(v, w, h, sigma).map((m, i) => v[i]-m), spread = blurred(off.map(x => x*x), w, h, sigma)
  return plane(off.map((x, i) => x/(Math.sqrt(Math.max(0, spread[i]))+GRAIN)), w, h)
}

// ---- places

export function cellPlaces(w, h) {
  const y = new Float64Array(w*h), x = new Float64Array(w*h)
  for (let j = 0, i = 0; j < h; j++) for (let k = 0; k < w; k++, i++) { y[i] = (j+.5)/h; x[i] = (k+.5)/w }
  return {y, x, w, h}
}
export function sampled({v, w, h}, at) {  // the values at places, bilinear; beyond the edge the edge counts
  const n = at.y.length, out = new Float32Array(n), below = h > 1 ? w : 0, beside = w > 1 ? 1 : 0
  for (let i = 0; i < n; i++) {
    const y = clamp(at.y[i]*h-.5, 0, h-1), x = clamp(at.x[i]*w-.5, 0, w-1), row = Math.min(Math.trunc(y), Math.max(h-2, 0)), column = Math.min(Math.trunc(x), Math.max(w-2, 0))
    const first = row*w+column, right = x-column, top = v[first]+right*(v[first+beside]-v[first])
    const low = v[first+below]+right*(v[first+below+beside]-v[first+below])
    out[i] = top+(y-row)*(low-top)
  }
  return out
}
function inside({y, x}) {
  const out = new Float32Array(y.length)
  for (let i = 0; i < out.length; i++) out[i] = +(y[i] >= 0 && y[i] <= 1 && x[i] >= 0 && x[i] <= 1)
  return out
}

// A fit is {m: [[yy, yx], [xy, xx]], mid: [y, x], score}: where the places of a photo are in the picture, if nothing is bent
export function fitted({m: [[a, b], [c, d]], mid}, at) {
  const y = new Float64Array(at.y.length), x = new Float64Array(at.y.length)
  for (let i = 0; i < y.length; i++) {
    const p = at.y[i]-.5, q = at.x[i]-.5
    y[i] = a*p+b*q+mid[0]; x[i] = c*p+d*q+mid[1]
  }
  return {...at, y, x}
}
export function shrunkSize(w, h, side) {  // [w, h]: at least a dozen pixels along the shorter side
  const k = Math.min(1, Math.max(side/Math.max(w, h), 12/Math.min(w, h)), 6*side/Math.max(w, h))
  return [Math.max(1, even(w*k)), Math.max(1, even(h*k))]
}
function sized(p, w, h) { return p.w === w && p.h === h ? p : plane(resize(p.v, [p.w, p.h], [w, h]), w, h) }
const shrunk = (p, side) => sized(p, ...shrunkSize(p.w, p.h, side))

// ---- the coarse way: small copies at every shift, for some zooms and turns

function zoomed(b, zoom, turn, most) {  // {values, mask, back}, or null if it is too large
  const w = Math.max(8, even(b.w/zoom)), h = Math.max(8, even(b.h/zoom))
  if (Math.max(w, h) > most) return null
  const [c, s] = [zoom*Math.cos(turn), zoom*Math.sin(turn)], back = [[c, -s], [s, c]]
  const m = [[c*h/b.h, -s*w/b.h], [s*h/b.w, c*w/b.w]], at = fitted({m, mid: [.5, .5]}, cellPlaces(w, h))
  return {values: detail(plane(sampled(b, at), w, h), 4), mask: inside(at), back}
}
function bestShift(a, b, zoom, turn, correlate) {
  const seen = zoomed(b, zoom, turn, 2*Math.max(b.w, b.h))
  if (!seen) return null
  const {values, mask, back} = seen, area = a.w*a.h, {like, overlap, energy, energyB, W, H} = correlate(values, mask)
  let best = 0, most = -Infinity
  for (let i = 0; i < like.length; i++) {
    const share = clamp(overlap[i]/area, 0, 1)
    if (share <= LEAST) continue
    const both = Math.max(energy[i], 0)*Math.max(energyB[i], 0), score = like[i]/Math.sqrt(both+(.02*area)**2)*share**.25
    if (score > most) { most = score; best = i }
  }
  if (most === -Infinity) return null
  let dy = Math.trunc(best/W), dx = best%W
  if (dy > H/2) dy -= H
  if (dx > W/2) dx -= W
  dy += (a.h-values.h)/2; dx += (a.w-values.w)/2
  const [[p, q], [r, s]] = back
  return {m: [[p*a.h/b.h, q*a.w/b.h], [r*a.h/b.w, s*a.w/b.w]], mid: [.5+(p*dy+q*dx)/b.h, .5+(r*dy+s*dx)/b.w], score: most}
}
function coarse(a, b, keep = 3) {  // the best fits of a photo in a picture, both small
  const correlate = correlator(detail(a, 4), [a.w+2*b.w, a.h+2*b.h])
  const fits = ZOOMS.flatMap(zoom => TURNS.map(turn => bestShift(a, b, zoom, turn, correlate)))
  return fits.filter(Boolean).sort((p, q) => q.score-p.score).slice(0, keep)
}

// ---- better, step by step

function gradient({v, w, h}) {  // [down, right], per pixel
  const down = new Float32Array(w*h), right = new Float32Array(w*h)
  for (let y = 0, i = 0; y < h; y++) for (let x = 0; x < w; x++, i++) {
    const above = Math.max(y-1, 0), under = Math.min(y+1, h-1), before = Math.max(x-1, 0), behind = Math.min(x+1, w-1)
    if (h > 1) down[i] = (v[under*w+x]-v[above*w+x])/(under-above)
    if (w > 1) right[i] = (v[y*w+behind]-v[y*w+before])/(behind-before)
  }
  return [plane(down, w, h), plane(right, w, h)]
}
function likeness(a, b, seen) {
  let aa = 1, bb = 1, ab = 0
  for (let i = 0; i < a.length; i++) { const s = seen[i]; aa += a[i]*a[i]*s; bb += b[i]*b[i]*s; ab += a[i]*b[i]*s }
  return ab/Math.sqrt(aa*bb)
}
function better({m, mid}, own, other, slopes, at) {  // one step: [fit, how far it went]
  const there = fitted({m, mid}, at), values = sampled(other, there), seen = inside(there), [down, right] = slopes.map(s => sampled(s, there))
  const normal = Array.from({length: 6}, () => new Float64Array(6)), aim = Array.from({length: 6}, () => [0]), ways = new Float64Array(6)
  let sum = 0
  for (let i = 0; i < values.length; i++) {
    const miss = own.v[i]-values[i], weight = seen[i]*Math.exp(-Math.abs(miss)/.7), d = down[i]*other.h, r = right[i]*other.w, y = at.y[i]-.5, x = at.x[i]-.5
    if (!weight) continue
    sum += weight
    ways[0] = y*d; ways[1] = x*d; ways[2] = d; ways[3] = y*r; ways[4] = x*r; ways[5] = r
    for (let p = 0; p < 6; p++) {
      const k = ways[p]*weight
      aim[p][0] += k*miss
      for (let q = 0; q < 6; q++) normal[p][q] += k*ways[q]
    }
  }
  for (let p = 0; p < 6; p++) normal[p][p] += 1e-5*(sum+1)
  const c = solve(normal, aim).map(([v]) => v)
  return [{m: [[m[0][0]+c[0], m[0][1]+c[1]], [m[1][0]+c[3], m[1][1]+c[4]]], mid: [mid[0]+c[2], mid[1]+c[5]]}, Math.max(...c.map(Math.abs))]
}
function polished(fit, a, b, rounds = 8) {
  const own = detail(a), other = detail(b), slopes = gradient(other), at = cellPlaces(a.w, a.h)
  for (let round = 0, far; round < rounds; round++) {
    [fit, far] = better(fit, own, other, slopes, at)
    if (far*Math.max(b.w, b.h) < .02) break
  }
  const there = fitted(fit, at), seen = inside(there)
  return {...fit, score: likeness(own.v, sampled(other, there), seen)*mean(seen)**.25}
}
export function findFit(L, other) {  // a picture of another shape may also have been stretched
  const small = shrunk(L, COARSE), tries = [shrunk(other, COARSE)], stretch = Math.log(L.h/L.w*other.w/other.h)
  if (Math.abs(stretch) > .03) tries.push(sized(other, small.w, small.h))
  const a = shrunk(L, 2*COARSE), b = shrunk(other, 2*COARSE), fits = tries.flatMap(t => coarse(small, t)).map(fit => polished(fit, a, b))
  return fits.reduce((best, fit) => fit.score > best.score ? fit : best)
}

// ---- what is bent

function windowWays(own, there, down, right, seen, w, h) {  // the way that windows should go, and how firmly each was found
  const n = w*h, parts = [0, 1, 2, 3, 4].map(() => new Float32Array(n))
  for (let i = 0; i < n; i++) {
    const d = down[i], r = right[i], miss = own[i]-there[i], weight = seen[i]*Math.exp(-Math.abs(miss)/.8)
    parts[0][i] = d*d*weight; parts[1][i] = d*r*weight; parts[2][i] = r*r*weight; parts[3][i] = d*miss*weight; parts[4][i] = r*miss*weight
  }
  const [dd, dr, rr, dm, rm] = parts.map(p => blurred(p, w, h, WINDOW)), y = new Float32Array(n), x = new Float32Array(n), firm = new Float32Array(n), floor = .01
  for (let i = 0; i < n; i++) {
    const p = dd[i]+floor, q = rr[i]+floor, area = p*q-dr[i]*dr[i]
    y[i] = clamp((q*dm[i]-dr[i]*rm[i])/area, -2, 2); x[i] = clamp((p*rm[i]-dr[i]*dm[i])/area, -2, 2)
    firm[i] = Math.max(area/(p+q)-floor/2, 1e-4)
  }
  return {y, x, firm}
}
const gone = (at, {y, x}) => ({...at, y: at.y.map((v, i) => v+y[i]/at.h), x: at.x.map((v, i) => v+x[i]/at.w)})
function bent(a, b, seen, way, rounds = 5) {  // b: the picture, laid on the photo; way: {y, x} in pixels, as far as it is known
  const {w, h} = a, own = detail(a).v, other = detail(b), planes = [other, ...gradient(other), plane(seen, w, h)], at = cellPlaces(w, h)
  for (let round = 0; round < rounds; round++) {
    const there = gone(at, way), step = windowWays(own, ...planes.map(p => sampled(p, there)), w, h), {firm} = step
    const share = blurred(firm, w, h, STIFF), along = k => blurred(way[k].map((v, i) => (v+step[k][i])*firm[i]), w, h, STIFF).map((v, i) => v/share[i])
    way = {y: along('y'), x: along('x')}
  }
  return way
}

// ---- how sure

function curve(a, b, seen) {  // how far the picture's lightness is from what the photo's lets expect
  const filled = [], usual = []
  for (let k = 0; k < 12; k++) {
    const low = 100*k/12, high = 100*(k+1)/12, some = Float32Array.from(b.filter((_, i) => seen[i] && a[i] >= low && a[i] <= high)).sort()
    if (some.length <= .004*a.length) continue
    filled.push((low+high)/2)
    usual.push((some[(some.length-1) >> 1]+some[some.length >> 1])/2)
  }
  const expected = L => {
    const k = filled.findIndex(f => f > L)
    if (k < 1) return usual.at(k && -1)
    return usual[k-1]+(usual[k]-usual[k-1])*(L-filled[k-1])/(filled[k]-filled[k-1])
  }
  return b.map((v, i) => filled.length && seen[i] ? v-expected(a[i]) : 0)
}
function howSure(a, b, seen) {
  const {w, h} = a, own = detail(a).v, other = detail(b).v, blur = (f, sigma = SURE) => blurred(Float32Array.from(seen, f), w, h, sigma)
  const both = blur((s, i) => s*own[i]*other[i]), energy = blur((s, i) => s*own[i]**2), energyB = blur((s, i) => s*other[i]**2)
  const overall = clamp((likeness(own, other, seen)-.15)/.3, 0, 1), off = blurred(curve(a.v, b.v, seen), w, h, SURE)
  const sure = off.map((o, i) => {
    const flat = .1*overall*clamp((OFF[1]-Math.abs(o))/(OFF[1]-OFF[0]), 0, 1)
    return clamp(((both[i]+flat)/((energy[i]+energyB[i])/2+.1)-DOUBTED)/(TRUSTED-DOUBTED), 0, 1)*seen[i]
  })
  const near = blurred(sure, w, h, 2*SURE), shown = blur(s => s, 2*SURE), within = blur(s => s, 2)
  return sure.map((s, i) => s*clamp(4*near[i]/Math.max(shown[i], .05)-3, 0, 1)*clamp(2*within[i]-1, 0, 1))
}
function grainOf({v, w, h}) {  // how much the finest detail varies in the calmest tenth of a picture
  const fine = blurred(v, w, h, 1).map((m, i) => (v[i]-m)**2), s = blurred(fine, w, h, 3).map(x => Math.sqrt(Math.max(0, x))).sort(), at = .1*(s.length-1), i = Math.floor(at)
  return s[i]+(at-i)*((s[i+1] ?? s[i])-s[i])
}
function calmed(a, b) { return grainOf(a) > GRAINY ? [a, b].map(p => plane(blurred(p.v, p.w, p.h, 1), p.w, p.h)) : [a, b] }

// ---- all together

export function findPlaces(L, other) {  // L* of about SIDE pixels -> {at: places, sure, fit}
  if (Math.min(L.w, L.h, other.w, other.h) < SMALLEST) return {at: cellPlaces(L.w, L.h), sure: new Float32Array(L.w*L.h), fit: {m: [[1, 0], [0, 1]], mid: [.5, .5], score: 0}}
  const sides = [2*COARSE, 4*COARSE].filter(side => side < .75*Math.max(L.w, L.h)), laid = (b, at) => plane(sampled(b, at), at.w, at.h)
  let fit = findFit(L, other), way = {y: new Float32Array(1), x: new Float32Array(1)}, size = [1, 1], a, b, at
  for (const side of [...sides, SIDE]) {
    a = shrunk(L, side); b = shrunk(other, side)
    if (side === SIDE) fit = polished(fit, a, b)
    at = fitted(fit, cellPlaces(a.w, a.h))
    const k = a.h/size[1], larger = v => resize(v, size, [a.w, a.h]).map(x => x*k)
    way = bent(a, laid(b, at), inside(at), {y: larger(way.y), x: larger(way.x)})
    size = [a.w, a.h]
  }
  at = fitted(fit, gone(cellPlaces(a.w, a.h), way))
  const seen = inside(at)
  return {at, sure: howSure(...calmed(a, laid(b, at)), seen), fit}
}
export function foundOn({at, sure, fit}, w, h) {  // the same on another grid of the photo: {at, sure}
  const straight = fitted(fit, cellPlaces(at.w, at.h)), here = cellPlaces(w, h), there = fitted(fit, here)
  const bends = k => sampled(plane(at[k].map((v, i) => v-straight[k][i]), at.w, at.h), here)
  const y = bends('y'), x = bends('x')
  return {at: {...there, y: there.y.map((v, i) => v+y[i]), x: there.x.map((v, i) => v+x[i])}, sure: sampled(plane(sure, at.w, at.h), here)}
}
