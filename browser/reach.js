// How far hints reach. As reach_cells, spread, belonging and steered_ab of colorize_nb.steer do it.

import {enlarged, means, spoken} from './agree.js'
import {even} from './paint.js'
import {cellsOfHints, pin} from './steer.js'

export const REACH = .5  // of a hint that does not say it
const STEPS = 20, SPREAD = 48, BELONGING = 96, EDGE = 4, POWER = 72, NEAR = .2, AROUND = [-1, 0, 1].flatMap(dy => [-1, 0, 1].map(dx => [dx, dy])).filter(([dx, dy]) => dx || dy)

export function reachCells(hints, photo, seen, w, h) {  // the reach of the hint there, in steps of 0.05; elsewhere -1
  const out = new Float32Array(w*h).fill(-1)
  for (const {hint, cells} of cellsOfHints(hints, photo, seen, w, h)) for (const i of cells) out[i] = even(STEPS*(hint.reach ?? REACH))/STEPS
  return out
}

function ties(L, w, h, edge) {  // how alike each cell is to its eight neighbours; 0 outside
  const out = new Float64Array(8*w*h)
  AROUND.forEach(([dx, dy], k) => {
    for (let y = Math.max(0, -dy); y < Math.min(h, h-dy); y++) for (let x = Math.max(0, -dx); x < Math.min(w, w-dx); x++) {
      const i = y*w+x
      out[k*w*h+i] = Math.exp(-((L[i+dy*w+dx]-L[i])**2)/(2*edge**2))
    }
  })
  return out
}

// Values of every cell of some planes, from known ones at some cells (on): by conjugate gradients. rest: a number for each plane
function interpolate(tied, on, known, rest, w, h, hold = 100, steps = 200) {
  const n = w*h, size = known.length, x = new Float64Array(size), residual = new Float64Array(size), scale = new Float64Array(size), direction = new Float64Array(size), pulled = new Float64Array(size)
  for (let at = 0; at < size; at++) {
    const i = at%n
    for (let k = 0; k < 8; k++) scale[at] += tied[k*n+i]
    scale[at] += rest[Math.trunc(at/n)]+hold*on[i]
    residual[at] = hold*on[i]*known[at]
    direction[at] = residual[at]/scale[at]
  }
  const steady = () => { let sum = 0; for (let at = 0; at < size; at++) sum += residual[at]**2/scale[at]; return sum }
  for (let step = 0, left = steady(); step < steps && left >= 1e-6; step++) {
    let along = 0
    for (let at = 0; at < size; at++) pulled[at] = scale[at]*direction[at]
    AROUND.forEach(([dx, dy], k) => {
      for (let plane = 0; plane < size; plane += n) for (let y = Math.max(0, -dy); y < Math.min(h, h-dy); y++) {
        for (let i = y*w+Math.max(0, -dx), end = y*w+Math.min(w, w-dx); i < end; i++) pulled[plane+i] -= tied[k*n+i]*direction[plane+i+dy*w+dx]
      }
    })
    for (let at = 0; at < size; at++) along += direction[at]*pulled[at]
    for (let at = 0; at < size; at++) { x[at] += left/along*direction[at]; residual[at] -= left/along*pulled[at] }
    const old = left
    left = steady()
    for (let at = 0; at < size; at++) direction[at] = residual[at]/scale[at]+left/old*direction[at]
  }
  return Float32Array.from(x)
}

const blocks = (w, h, most) => Math.ceil(Math.max(w, h)/most)  // their side, of a small copy with so many along its longer side
const where = known => known.map(v => +(v > 0))

export function spread(ab, L, planes, w, h) {  // what the hints differ by goes over what looks alike
  const n = w*h, k = blocks(w, h, SPREAD), W = Math.ceil(w/k), H = Math.ceil(h/k), small = means(L, w, h, k), known = means(planes.subarray(2*n), w, h, k)
  const miss = means(Float64Array.from(ab, (v, at) => (110*planes[at]-v)*planes[2*n+at%n]), w, h, k).map((v, at) => v/Math.max(known[at%(W*H)], 1e-9))
  const more = enlarged(interpolate(ties(small, W, H, 5), where(known), miss, [1e-3, 1e-3], W, H), small, L, w, h, k)
  return ab.map((v, at) => v+more[at])
}

const spots = on => [...on.keys()].filter(i => on[i] > 0)

function resemblance(roots, n, on) {  // how much what each cell could be resembles what the cells that are on could be: that of the most alike
  const out = new Float32Array(n), colors = roots.length/n
  for (const spot of spots(on)) {
    const alike = new Float64Array(n)
    for (let c = 0; c < colors; c++) for (let i = 0, at = c*n, own = roots[c*n+spot]; i < n; i++, at++) alike[i] += own*roots[at]
    for (let i = 0; i < n; i++) out[i] = Math.max(out[i], alike[i])
  }
  return out
}

function nearness(on, w, h) {  // how near each cell lies to one that is on, from 0 to 1
  const apart = new Float64Array(w*h).fill(Infinity)
  for (const spot of spots(on)) apart.forEach((v, i) => { apart[i] = Math.min(v, (i%w-spot%w)**2+(Math.trunc(i/w)-Math.trunc(spot/w))**2) })
  return apart.map(v => Math.exp(-v/(2*(NEAR*Math.max(w, h))**2)))
}

export function belonging(L, reach, w, h, logits = null) {  // how far each cell belongs to the hints, from 0 to 1; logits: without hints
  const kinds = [...new Set(reach)].filter(r => r >= 0).sort((a, b) => a-b)
  if (kinds[0] >= 1) return new Float32Array(w*h).fill(1)
  const k = blocks(w, h, BELONGING), W = Math.ceil(w/k), H = Math.ceil(h/k), n = W*H, small = means(L, w, h, k)
  const share = means(Float64Array.from({length: kinds.length*w*h}, (_, at) => +(reach[at%(w*h)] === kinds[Math.trunc(at/(w*h))])), w, h, k)
  const known = new Float64Array(n), whole = new Float32Array(n), rest = kinds.map(r => 10**(-1-4.8*r)*(32/Math.max(W, H))**2)
  share.forEach((v, at) => { known[at%n] += v })
  const held = interpolate(ties(small, W, H, EDGE), where(known), share.map((v, at) => v/Math.max(known[at%n], 1e-9)), rest, W, H)
  if (logits) {
    const roots = spoken(means(logits, w, h, k), n, null, {temperature: 2, power: 0}).map(Math.sqrt)
    kinds.forEach((kind, p) => {
      const own = share.subarray(p*n, (p+1)*n), near = nearness(own, W, H)
      resemblance(roots, n, own).forEach((v, i) => { held[p*n+i] *= v**(POWER*(1-kind)*(1-near[i])) })
    })
  }
  held.forEach((v, at) => { whole[at%n] += v })
  return enlarged(whole, small, L, w, h, k).map(v => Math.min(Math.max(v, 0), 1))
}

// What the hints make of a photo's colours: ab and logits (or null) without hints, told: of a network that was told them, or null
export function steeredAb(ab, told, L, planes, reach, w, h, logits = null) {
  const to = spread(ab, L, planes, w, h), share = belonging(L, reach, w, h, logits), n = w*h
  return pin(ab.map((v, at) => v+share[at%n]*((told ? .3*told[at]+.7*to[at] : to[at])-v)), L, planes, w, h)
}
