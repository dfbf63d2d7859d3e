// What a person knows and the network does not: hints, and what can be read from a distribution of colours. As colorize_nb.steer and .hints do it.
// A look: {ab, logits, L, w, h, seen: [w, h], memo}: the network's grid, and how much of it shows the photo.

import {agreedAt} from './agree.js'
import {BINS} from './bins.js'
import {even, rgb2lab, shownAt, solve} from './paint.js'

const N = BINS.length
const bytes = c => [1, 3, 5].map(i => parseInt(c.slice(i, i+2), 16))
export const hex = c => '#'+c.map(v => v.toString(16).padStart(2, '0')).join('')
const clamp = (v, lo, hi) => Math.min(Math.max(v, lo), hi)

// hints: {x, y, color, reach} in pixels of a photo of [w, h] -> the cells of each, of W*H
export function cellsOfHints(hints, [w, h], seen, W, H) {
  const first = (v, n, s) => clamp(even((v+.5)/n*s)-1, 0, Math.max(0, Math.ceil(s)-2))
  return hints.map(hint => {
    const left = first(hint.x, w, seen[0]), top = first(hint.y, h, seen[1]), cells = []
    for (let y = top; y < Math.min(top+2, H); y++) for (let x = left; x < Math.min(left+2, W); x++) cells.push(y*W+x)
    return {hint, cells}
  })
}

// Planes of W*H cells: a*/110, b*/110, and 1 where there is a hint
export function hintCells(hints, photo, seen, W, H) {
  const n = W*H, out = new Float32Array(3*n)
  for (const {hint, cells} of cellsOfHints(hints, photo, seen, W, H)) {
    const [, a, b] = rgb2lab(...bytes(hint.color))
    for (const i of cells) { out[i] = a/110; out[n+i] = b/110; out[2*n+i] = 1 }
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
export function probabilities(logits, i, n) {
  const z = new Float64Array(N)
  let most = -Infinity, sum = 0
  for (let c = 0; c < N; c++) { z[c] = logits[c*n+i]; if (z[c] > most) most = z[c] }
  for (let c = 0; c < N; c++) sum += z[c] = Math.exp(z[c]-most)
  for (let c = 0; c < N; c++) z[c] /= sum
  return z
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

export function likely(look, [w, h], x, y, n = 6) {  // [{color, p}] of a pixel of a photo
  const [i, j] = [[x, w, look.seen[0], look.w], [y, h, look.seen[1], look.h]].map(([v, n, s, g]) => Math.min(Math.trunc((v+.5)/n*s), g-1))
  return likelyAb(agreedAt(look, i, j), n).map(([a, b, p]) => ({color: hex(shownAt(look.L[j*look.w+i], a, b)), p}))
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

export function usualChroma(prior, share = .98) {  // that so many of the photos' pixels do not pass
  const order = BINS.map(([a, b], i) => [Math.hypot(a, b), prior[i]]).sort(([a], [b]) => a-b), total = prior.reduce((sum, p) => sum+p, 0)
  let sum = 0
  return order.find(([, p]) => (sum += p) >= share*total)[0]
}

function drawn(all, turn) {  // one of the colours, each over as much of 0 to 1 as it is likely
  const total = all.reduce((sum, [,, p]) => sum+p, 0)
  let sum = 0
  return all.find(([,, p]) => (sum += p/total) > turn) ?? all.at(-1)
}

const OTHER_REACH = .35  // of a hint of a variant: another colour for a thing, not for the whole photo

// A hint at a cell: a colour that it could have, drawn at `turn`; it differs from the painted one, where that can be and is wanted
export function other(look, [w, h], [x, y], turn, differs, prior) {
  const n = look.w*look.h, at = y*look.w+x, all = likelyAb(agreedAt(look, x, y), 8), usual = all.filter(([,, p]) => p >= Math.min(.05, all[0][2]))
  const others = usual.filter(([a, b]) => Math.hypot(a-look.ab[at], b-look.ab[n+at]) > 15), [a, b] = drawn(differs && others.length ? others : usual, turn)
  const k = Math.min(1, usualChroma(prior)/Math.max(Math.hypot(a, b), 1e-9))
  return {x: Math.trunc((x+.5)/look.seen[0]*w), y: Math.trunc((y+.5)/look.seen[1]*h), color: hex(shownAt(look.L[at], a*k, b*k)), reach: OTHER_REACH}
}
