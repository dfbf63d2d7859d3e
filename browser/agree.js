// Cells that look alike and lie near agree on one of the colours: for the reading, natural or vivid, and for what a spot could be. As agree, agreed_ab, agreed_at and vivid_ab of colorize_nb.steer do it.
// A look: {ab, logits, L, w, h, memo}; memo keeps what was found once

import {abLines} from './paint.js'
import {resize} from './resample.js'
import {BINS} from './bins.js'

const VIVID = {temperature: .4, power: 2.2, pull: 2}, POSSIBLE = {temperature: 2, power: 0, pull: .5}  // how the network is read
const ROUNDS = 3, COLORS = 40, NEAR = 7, EDGE = 5, KIN = 12, MOST = 3600  // cells, of L*, of a* and b*, cells
const RARE = .003  // colours that are rarer are hardly favoured more
const BOLD = [[.2, 1.2, .7], [.3, 1.8, .8]]  // of a natural reading and a vivid one: what share of the agreed colours is taken in any case, how much more where they are likely, and how much at most
const WIDTH = 15  // of a* and b*, in which a colour counts less and less

// Bumps one width apart, each seen from every x: {count, from, share}; x number i sees seven of them from number from[i] on, the others are too far away
const SEVEN = 7
function bumps(x, width) {
  let low = Infinity, high = -Infinity
  for (const v of x) { low = Math.min(low, v); high = Math.max(high, v) }
  const real = Math.ceil((high-low)/width+2.5), count = Math.max(real, SEVEN), from = new Int32Array(x.length), share = new Float64Array(x.length*SEVEN)
  for (let i = 0; i < x.length; i++) {
    const at = (x[i]-low)/width+1  // in widths
    from[i] = Math.max(0, Math.min(Math.round(at)-3, count-SEVEN))
    for (let k = 0; k < SEVEN && from[i]+k < real; k++) share[i*SEVEN+k] = Math.exp(-((at-from[i]-k)**2))*(2/Math.PI)**.25
  }
  return {count, from, share}
}

// n numbers go to seven places that lie step apart, to each in its share, or are taken from there
function give(numbers, at, places, to, step, n, share, s, scale) {
  const a = scale*share[s], b = scale*share[s+1], c = scale*share[s+2], d = scale*share[s+3], e = scale*share[s+4], f = scale*share[s+5], g = scale*share[s+6]
  for (let i = at, o = to; i < at+n; i++, o++) {
    const v = numbers[i]
    places[o] += a*v; places[o+step] += b*v; places[o+2*step] += c*v; places[o+3*step] += d*v; places[o+4*step] += e*v; places[o+5*step] += f*v; places[o+6*step] += g*v
  }
}
function take(numbers, at, places, from, step, n, share, s, scale) {
  const a = scale*share[s], b = scale*share[s+1], c = scale*share[s+2], d = scale*share[s+3], e = scale*share[s+4], f = scale*share[s+5], g = scale*share[s+6]
  for (let i = at, o = from; i < at+n; i++, o++) {
    numbers[i] += a*places[o]+b*places[o+step]+c*places[o+2*step]+d*places[o+3*step]+e*places[o+4*step]+f*places[o+5*step]+g*places[o+6*step]
  }
}

// A function that sums n numbers of each cell over the other cells, those that are alike and lie near
function listener(L, w, h) {
  const [rows, columns] = [h, w].map(n => bumps(Array.from({length: n}, (_, i) => i), NEAR)), layers = bumps(L, EDGE)
  const square = ({share}, i) => { let sum = 0; for (let k = i*SEVEN; k < (i+1)*SEVEN; k++) sum += share[k]**2; return sum }
  return (said, n) => {
    const layer = columns.count*n, size = layers.count*layer, gathered = new Float64Array(rows.count*size), row = new Float64Array(size), heard = new Float64Array(w*h*n)
    for (let y = 0; y < h; y++) {
      row.fill(0)
      for (let x = 0, cell = y*w; x < w; x++, cell++) for (let l = 0; l < SEVEN; l++) {
        give(said, cell*n, row, (layers.from[cell]+l)*layer+columns.from[x]*n, n, n, columns.share, x*SEVEN, layers.share[cell*SEVEN+l])
      }
      give(row, 0, gathered, rows.from[y]*size, size, size, rows.share, y*SEVEN, 1)
    }
    for (let y = 0; y < h; y++) {
      row.fill(0)
      take(row, 0, gathered, rows.from[y]*size, size, size, rows.share, y*SEVEN, 1)
      for (let x = 0, cell = y*w; x < w; x++, cell++) {
        for (let l = 0; l < SEVEN; l++) take(heard, cell*n, row, (layers.from[cell]+l)*layer+columns.from[x]*n, n, n, columns.share, x*SEVEN, layers.share[cell*SEVEN+l])
        const itself = 1.00001*square(rows, y)*square(columns, x)*square(layers, cell)  // of rounding nothing may be left
        for (let i = cell*n; i < (cell+1)*n; i++) heard[i] = Math.max(0, heard[i]-itself*said[i])
      }
    }
    return heard
  }
}

function shares(z, n) {  // of n numbers after each other; their sum becomes 1
  for (let at = 0; at < z.length; at += n) {
    let most = -Infinity, sum = 0
    for (let i = at; i < at+n; i++) if (z[i] > most) most = z[i]
    for (let i = at; i < at+n; i++) sum += z[i] = Math.exp(z[i]-most)
    for (let i = at; i < at+n; i++) z[i] /= sum
  }
  return z
}

export function spoken(logits, cells, prior, {temperature, power}) {  // what each cell says of each colour, colour by colour
  const p = new Float64Array(logits.length), most = new Float64Array(cells).fill(-Infinity), sum = new Float64Array(cells)
  for (let c = 0, at = 0; c < BINS.length; c++) {
    const minus = power && power*Math.log(prior[c]+RARE)
    for (let i = 0; i < cells; i++, at++) { p[at] = logits[at]/temperature-minus; if (p[at] > most[i]) most[i] = p[at] }
  }
  for (let at = 0; at < p.length;) for (let i = 0; i < cells; i++, at++) sum[i] += p[at] = Math.exp(p[at]-most[i])
  for (let at = 0; at < p.length;) for (let i = 0; i < cells; i++, at++) p[at] /= sum[i]
  return p
}

function likeliest(p, cells) {  // numbers of the colours that have most of the probability
  const total = BINS.map((_, c) => { let sum = 0; for (let at = c*cells; at < (c+1)*cells; at++) sum += p[at]; return sum })
  return total.map((_, c) => c).sort((a, b) => total[b]-total[a]).slice(0, COLORS)
}

function likeness(kept) {  // how near the kept colours are to each other; over all colours, the sum is 1
  const near = (c, d) => Math.exp(-((BINS[c][0]-BINS[d][0])**2+(BINS[c][1]-BINS[d][1])**2)/(2*KIN**2))
  return kept.map(c => { let sum = 0; for (let d = 0; d < BINS.length; d++) sum += near(c, d); return Float64Array.from(kept, d => near(c, d)/sum) })
}

// logits: of 313 colours; {kept, p}: the numbers of the colours that are kept, and how likely each is, cell by cell
export function agree(logits, L, w, h, prior, reading = VIVID) {
  const cells = w*h, each = spoken(logits, cells, prior, reading), kept = likeliest(each, cells), n = kept.length
  const own = new Float64Array(cells*n), kin = likeness(kept), listen = listener(L, w, h), others = listen(new Float64Array(cells).fill(1), 1)
  kept.forEach((c, k) => { for (let i = 0; i < cells; i++) own[i*n+k] = Math.log(each[c*cells+i]+1e-20) })
  let p = shares(Float64Array.from(own), n)
  for (let round = 0; round < ROUNDS; round++) {
    const heard = listen(p, n), next = Float64Array.from(own)
    for (let i = 0; i < cells; i++) for (let k = 0, near = kin[0], all = others[i]+.01; k < n; near = kin[++k]) {
      let said = 0
      for (let o = 0, at = i*n; o < n; o++, at++) said += near[o]*heard[at]
      next[i*n+k] += reading.pull*Math.log(said/all+1e-4)
    }
    p = shares(next, n)
  }
  return {kept, p}
}

// Means over blocks of k*k of planes of w*h; the last row and column go on
export function means(planes, w, h, k) {
  if (k === 1) return planes
  const W = Math.ceil(w/k), H = Math.ceil(h/k), count = planes.length/(w*h), out = new Float32Array(count*W*H)
  for (let p = 0, at = 0; p < count; p++) for (let Y = 0; Y < H; Y++) for (let X = 0; X < W; X++, at++) {
    let sum = 0
    for (let y = Y*k; y < Y*k+k; y++) for (let x = X*k; x < X*k+k; x++) sum += planes[(p*h+Math.min(y, h-1))*w+Math.min(x, w-1)]
    out[at] = sum/(k*k)
  }
  return out
}

export function enlarged(planes, small, L, w, h, k) {  // colours of a small copy on a grid of w*h, along its edges
  if (k === 1) return planes
  const W = Math.ceil(w/k), H = Math.ceil(h/k), count = planes.length/(W*H), out = new Float32Array(count*w*h)
  for (let p = 0; p < count; p++) {
    const [slope, offset] = abLines(planes.subarray(p*W*H, (p+1)*W*H), small, W, H).map(plane => resize(plane, [W, H], [w, h], [0, 0, w/k, h/k]))
    for (let i = 0; i < w*h; i++) out[p*w*h+i] = slope[i]*L[i]+offset[i]
  }
  return out
}

function copyOf({L, w, h}) {  // a grid that is small enough: the side of its blocks, its size, L* of its cells
  const k = Math.ceil(Math.sqrt(w*h/MOST))
  return {k, W: Math.ceil(w/k), H: Math.ceil(h/k), small: means(L, w, h, k)}
}

function agreement(look, prior, reading) {  // of a large grid, on a smaller copy
  const {logits, w, h} = look, {k, W, H, small} = copyOf(look)
  return {...agree(means(logits, w, h, k), small, W, H, prior, reading), small, k, W, H}
}

export function agreedAb(look, prior) {  // the mean colour that cells have agreed on
  const {kept, p, small, k, W, H} = agreement(look, prior, VIVID), n = W*H, ab = new Float32Array(2*n)
  for (let i = 0; i < n; i++) kept.forEach((c, o) => { ab[i] += p[i*kept.length+o]*BINS[c][0]; ab[n+i] += p[i*kept.length+o]*BINS[c][1] })
  return enlarged(ab, small, look.L, look.w, look.h, k)
}

export function agreedAt(look, x, y) {  // of 313 colours, how likely each is in a cell, after it has agreed with those that look alike
  const {kept, p, k, W} = look.memo.possible ??= agreement(look, null, POSSIBLE), out = new Float64Array(BINS.length)
  kept.forEach((c, o) => { out[c] = p[(Math.trunc(y/k)*W+Math.trunc(x/k))*kept.length+o] })
  return out
}

// How likely it is that the colour of each cell lies near this one
export function likelyNear(logits, ab) {
  const n = ab.length/2, p = spoken(logits, n, null, {temperature: 1, power: 0}), out = new Float32Array(n)
  BINS.forEach(([a, b], c) => { for (let i = 0; i < n; i++) out[i] += p[c*n+i]*Math.exp(-((ab[i]-a)**2+(ab[n+i]-b)**2)/(2*WIDTH**2)) })
  return out
}

function shared(near, L, w, h) {  // the mean of each cell and of those that look alike and lie near
  const listen = listener(L, w, h), others = listen(new Float64Array(w*h).fill(1), 1)
  return listen(near, 1).map((v, i) => (v+near[i])/(others[i]+1))
}

function likelyEverywhere(look, agreed) {  // how likely the agreed colours are; of a large grid, on a smaller copy
  const {logits, L, w, h} = look, {k, W, H, small} = copyOf(look)
  return enlarged(Float32Array.from(shared(likelyNear(means(logits, w, h, k), means(agreed, w, h, k)), small, W, H)), small, L, w, h, k)
}

export function vividAb(look, vivid, prior) {  // the mean colour, moved to what cells have agreed on as far as that is likely: natural at 0, vivid at 1
  const agreed = look.memo.agreed ??= agreedAb(look, prior), near = look.memo.near ??= likelyEverywhere(look, agreed), n = near.length
  const [least, more, most] = BOLD[0].map((natural, i) => (1-vivid)*natural+vivid*BOLD[1][i])
  return look.ab.map((v, at) => v+Math.min(most, least+more*near[at%n]**2)*(agreed[at]-v))
}
