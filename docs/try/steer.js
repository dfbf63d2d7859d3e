// What a person knows and the network does not: hints, and what can be read from a distribution of colours. As colorize_nb.steer and .hints do it.
// A look: {ab, logits, L, w, h, seen: [w, h]}: the network's grid, and how much of it shows the photo.

import {even, rgb2lab, shownAt, solve} from './paint.js'

const ROWS = {'-90': [50, 90], '-80': [20, 90], '-70': [0, 90], '-60': [-20, 90], '-50': [-30, 100], '-40': [-40, 100], '-30': [-50, 100], '-20': [-50, 100], '-10': [-60, 100],
  0: [-70, 100], 10: [-80, 90], 20: [-80, 90], 30: [-90, 90], 40: [-100, 90], 50: [-100, 80], 60: [-110, 80], 70: [-110, 80], 80: [-110, 70], 90: [-110, 70], 100: [-90, 0]}
export const BINS = Object.keys(ROWS).map(Number).sort((a, b) => a-b).flatMap(a => { const [lo, hi] = ROWS[a]; return Array.from({length: (hi-lo)/10+1}, (_, i) => [a, lo+10*i]) })
const N = BINS.length
const bytes = c => [1, 3, 5].map(i => parseInt(c.slice(i, i+2), 16))
export const hex = c => '#'+c.map(v => v.toString(16).padStart(2, '0')).join('')
const clamp = (v, lo, hi) => Math.min(Math.max(v, lo), hi)

// points: {x, y, color} in pixels of a photo of [w, h] -> planes of W*H cells: a*/110, b*/110, and 1 where there is a hint
export function hintCells(points, [w, h], seen, W, H) {
  const n = W*H, out = new Float32Array(3*n)
  for (const {x, y, color} of points) {
    const [, a, b] = rgb2lab(...bytes(color))
    const [cx, cy] = [[x, w, seen[0]], [y, h, seen[1]]].map(([v, n, s]) => clamp(even((v+.5)/n*s)-1, 0, Math.max(0, Math.ceil(s)-2)))
    for (let j = cy; j < Math.min(cy+2, H); j++) for (let i = cx; i < Math.min(cx+2, W); i++) { const at = j*W+i; out[at] = a/110; out[n+at] = b/110; out[2*n+at] = 1 }
  }
  return out
}

// Cells with hints get their colours exactly, and their neighbours a share
export function pin(ab, L, planes, W, H, reach = 1, edge = 8) {
  const n = W*H, at = []
  for (let i = 0; i < n; i++) if (planes[2*n+i] > 0) at.push(i)
  if (!at.length) return ab
  const near = (i, j) => Math.exp(-((L[i]-L[j])**2)/(2*edge**2)-((Math.trunc(i/W)-Math.trunc(j/W))**2+(i%W-j%W)**2)/(2*reach**2))
  const share = solve(at.map((i, p) => at.map((j, q) => near(i, j)+(p === q ? 1e-3 : 0))), at.map(i => [planes[i]*110-ab[i], planes[n+i]*110-ab[n+i]]))
  const out = Float32Array.from(ab), r = Math.ceil(4*reach)
  at.forEach((i, p) => {
    const y = Math.trunc(i/W), x = i%W
    for (let j = Math.max(0, y-r); j < Math.min(y+r+1, H); j++) for (let k = Math.max(0, x-r); k < Math.min(x+r+1, W); k++) {
      const s = near(j*W+k, i)
      out[j*W+k] += share[p][0]*s; out[n+j*W+k] += share[p][1]*s
    }
  })
  return out
}

// Cell i of n: what the colour could be; their sum is 1
export function probabilities(logits, i, n, temperature = 1, minus = null) {
  const z = new Float64Array(N)
  let most = -Infinity, sum = 0
  for (let c = 0; c < N; c++) { z[c] = logits[c*n+i]/temperature-(minus ? minus[c] : 0); if (z[c] > most) most = z[c] }
  for (let c = 0; c < N; c++) sum += z[c] = Math.exp(z[c]-most)
  for (let c = 0; c < N; c++) z[c] /= sum
  return z
}

export function vividAb(ab, logits, vivid, prior) {  // more colour, and more of what is rare
  if (!vivid) return ab
  const n = ab.length/2, out = new Float32Array(2*n), minus = prior.map(p => 1.5*Math.log(p+1e-4))
  for (let i = 0; i < n; i++) {
    const p = probabilities(logits, i, n, .3, minus)
    let a = 0, b = 0
    for (let c = 0; c < N; c++) { a += p[c]*BINS[c][0]; b += p[c]*BINS[c][1] }
    out[i] = (1+.3*vivid)*((1-.5*vivid)*ab[i]+.5*vivid*a); out[n+i] = (1+.3*vivid)*((1-.5*vivid)*ab[n+i]+.5*vivid*b)
  }
  return out
}

const near = BINS.map(([a, b]) => BINS.flatMap(([c, d], i) => (a-c)**2+(b-d)**2 <= 101 ? [i] : []))  // 10 units
export function likelyAb(p, n = 6) {  // [a*, b*, how likely something near it is], in falling order
  p = Float64Array.from(p)
  const found = []
  for (let k = 0; k < n; k++) {
    let best = 0, most = -1
    near.forEach((o, c) => { let s = 0; for (const i of o) s += p[i]; if (s > most) { most = s; best = c } })
    let a = 0, b = 0, sum = 0
    for (const i of near[best]) { a += p[i]*BINS[i][0]; b += p[i]*BINS[i][1]; sum += p[i]; p[i] = 0 }
    found.push([a/Math.max(sum, 1e-12), b/Math.max(sum, 1e-12), sum])
  }
  return found.sort((u, v) => v[2]-u[2])
}

export function expectedError({ab, logits, w, h}) {  // how far off each cell may be, in units of a* and b*
  const n = w*h, out = new Float32Array(n)
  for (let i = 0; i < n; i++) {
    const p = probabilities(logits, i, n)
    for (let c = 0; c < N; c++) if (p[c] > 1e-9) out[i] += p[c]*Math.hypot(ab[i]-BINS[c][0], ab[n+i]-BINS[c][1])
  }
  return out
}

export function likely(look, [w, h], x, y, n = 6) {  // [{color, p}] of a spot of a photo
  const [i, j] = [[x, w, look.seen[0], look.w], [y, h, look.seen[1], look.h]].map(([v, n, s, g]) => Math.min(Math.trunc((v+.5)/n*s), g-1)), at = j*look.w+i
  return likelyAb(probabilities(look.logits, at, look.w*look.h), n).map(([a, b, p]) => ({color: hex(shownAt(look.L[at], a, b)), p}))
}

export function doubtful(look, n) {  // the cells where it doubts most, apart from each other
  const e = expectedError(look), w = Math.max(1, Math.trunc(look.seen[0])), h = Math.max(1, Math.trunc(look.seen[1])), found = [], apart = 2*(Math.max(h, w)/5)**2
  for (let k = 0; k < n; k++) {
    let best = [0, 0], most = -1
    for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) if (e[y*look.w+x] > most) { most = e[y*look.w+x]; best = [x, y] }
    found.push(best)
    for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) e[y*look.w+x] *= 1-Math.exp(-((y-best[1])**2+(x-best[0])**2)/apart)
  }
  return found
}

export function other(look, [w, h], [x, y], i) {  // a hint at a cell: the i-th likely colour that differs from the painted one
  const n = look.w*look.h, at = y*look.w+x, all = likelyAb(probabilities(look.logits, at, n), 8)
  const differ = all.filter(([a, b, p]) => p > .01 && Math.hypot(a-look.ab[at], b-look.ab[n+at]) > 15), from = differ.length ? differ : all, [a, b] = from[i%from.length]
  return {x: Math.trunc((x+.5)/look.seen[0]*w), y: Math.trunc((y+.5)/look.seen[1]*h), color: hex(shownAt(look.L[at], a, b))}
}
