// Lightness stays, colour is guessed: pixels of a photo and the network's few cells of colour become a picture. As colorize_nb.color and .paint do it;
// tests/golden/web holds what they give. Planes lie one after the other; pixels are RGBA of 8 bits, as a canvas has them.

import {across, resize, shares} from './resample.js'

const M = [[.412453, .357580, .180423], [.212671, .715160, .072169], [.019334, .119193, .950227]], WHITE = [.95047, 1, 1.08883]
const TO_XYZ = M.map((row, i) => row.map(v => v/WHITE[i]))  // linear RGB -> XYZ over white
const TO_RGB = inverse(M).map(row => row.map((v, j) => v*WHITE[j]))
function inverse([[a, b, c], [d, e, f], [g, h, i]]) {
  const det = a*(e*i-f*h)-b*(d*i-f*g)+c*(d*h-e*g)
  return [[e*i-f*h, c*h-b*i, b*f-c*e], [f*g-d*i, a*i-c*g, c*d-a*f], [d*h-e*g, b*g-a*h, a*e-b*d]].map(r => r.map(v => v/det))
}
const linear = x => x > .04045 ? ((x+.055)/1.055)**2.4 : x/12.92
const srgb = x => x > .0031308 ? 1.055*x**(1/2.4)-.055 : 12.92*x
const cie = t => t > .008856 ? Math.cbrt(t) : 7.787*t+16/116
const KNEE = .2068966
const back = f => f > KNEE ? f*f*f : KNEE**3+(f-KNEE)/7.787

const LINEAR8 = Float64Array.from({length: 256}, (_, v) => linear(v/255)), F8 = LINEAR8.map(cie), L8 = F8.map(f => 116*f-16)
const SRGB8 = Uint8Array.from({length: 65536}, (_, v) => Math.round(srgb((v+.5)/65536)*255))
const [YR, YG, YB] = TO_XYZ[1]
const fy = (r, g, b) => r === g && g === b ? F8[g] : cie(YR*LINEAR8[r]+YG*LINEAR8[g]+YB*LINEAR8[b])

export function lightness(px, out = new Float32Array(px.length/4)) {  // L* of every pixel
  for (let i = 0, j = 0; i < out.length; i++, j += 4) {
    const r = px[j], g = px[j+1], b = px[j+2]
    out[i] = r === g && g === b ? L8[g] : 116*fy(r, g, b)-16
  }
  return out
}
export function rgb2lab(r, g, b) {  // bytes
  const [x, y, z] = TO_XYZ.map(m => cie(m[0]*LINEAR8[r]+m[1]*LINEAR8[g]+m[2]*LINEAR8[b]))
  return [116*y-16, 500*(x-y), 200*(y-z)]
}
export function meanChroma(px, w, h) {  // how much colour a picture has
  const {lab} = thumb(px, w, h, Math.max(1, Math.trunc(Math.max(w, h)/96)))
  return lab.reduce((sum, [, a, b]) => sum+Math.hypot(a, b), 0)/lab.length
}

// ---- the network's cells as lines on lightness

function mean3(x, w, h) {  // means over 3x3 cells; the edge is repeated
  const sums = new Float64Array(w*h), out = new Float64Array(w*h)
  for (let y = 0; y < h; y++) for (let i = 0, at = y*w; i < w; i++) sums[at+i] = x[at+Math.max(i-1, 0)]+x[at+i]+x[at+Math.min(i+1, w-1)]
  for (let y = 0; y < h; y++) {
    const above = Math.max(y-1, 0)*w, at = y*w, below = Math.min(y+1, h-1)*w
    for (let i = 0; i < w; i++) out[at+i] = (sums[above+i]+sums[at+i]+sums[below+i])/9
  }
  return out
}
const MOST = 150  // chroma

export function abLines(ab, L, w, h, ridge = 50) {  // one plane of w*h cells as lines of their L*: slopes, offsets
  const m = mean3(L, w, h), mm = mean3(L.map(v => v*v), w, h), mp = mean3(ab, w, h), mLp = mean3(Float64Array.from(ab, (v, i) => v*L[i]), w, h)
  const slope = mean3(mLp.map((v, i) => (v-m[i]*mp[i])/(mm[i]-m[i]*m[i]+ridge)), w, h)
  return [slope, slope.map((v, i) => ab[i]-v*L[i])]
}

// ab: a* and b* of w*h cells; L: their L*. Gives slopes of f of X and of Z on f of Y, then their offsets
export function edgeLines(ab, L, w, h, strength = 1) {
  const n = w*h, out = new Float32Array(4*n), part = [new Float64Array(n), new Float64Array(n)]
  for (let i = 0; i < n; i++) {
    const a = ab[i], b = ab[n+i], k = Math.min(1, MOST/Math.max(Math.hypot(a, b), 1e-6))
    if (!Number.isFinite(a+b)) throw new Error('NaN')
    part[0][i] = a*k; part[1][i] = b*k
  }
  part.forEach((p, c) => {
    const [slope, offset] = abLines(p, L, w, h), k = c ? -200 : 500
    for (let i = 0; i < n; i++) {
      const s = slope[i]*strength
      out[c*n+i] = 1+116*s/k; out[(2+c)*n+i] = (offset[i]*strength-16*s)/k
    }
  })
  return out
}

// ---- what sRGB can show: as far from gray as it goes, by f of Y and by direction

const ROWS = 512, HUES = 1024, DARK = 16/116
function way(u, v) { const far = 2.5*Math.abs(u)+Math.abs(v); return [far, Math.abs((v/Math.max(far, 1e-9)+1)*.25-(u < 0))] }

function* edges(Y, n = 32) {  // linear RGB along the sides of the polygon of a Y
  const sum = YR+YG+YB, w = [YR/sum, YG/sum, YB/sum]
  for (let i = 0; i < 3; i++) for (const level of [0, 1]) {
    const j = (i+1)%3, k = (i+2)%3, left = Y-w[i]*level, lo = Math.max(0, (left-w[k])/w[j]), hi = Math.min(1, left/w[j]), p = [0, 0, 0]
    if (lo > hi) continue
    for (let s = 0; s < n; s++) { p[i] = level; p[j] = lo+(hi-lo)*s/(n-1); p[k] = (left-w[j]*p[j])/w[k]; yield p }
  }
}
let reached = null
function reach() {
  if (reached) return reached
  const few = 97, rows = Array.from({length: few}, () => new Float64Array(HUES)), xyz = TO_XYZ.map(r => r.map(v => v/(r[0]+r[1]+r[2])))
  for (let r = 1; r < few-1; r++) {
    const f = DARK+(1-DARK)*r/(few-1), pts = []
    for (const p of edges(back(f))) {
      const [x, z] = [0, 2].map(c => cie(Math.max(0, xyz[c][0]*p[0]+xyz[c][1]*p[1]+xyz[c][2]*p[2])))
      const [far, turn] = way(x-f, z-f)
      pts.push([turn%1, 1/far])
    }
    pts.sort((a, b) => a[0]-b[0])
    const first = pts[0], last = pts.at(-1)
    pts.unshift([last[0]-1, last[1]]); pts.push([first[0]+1, first[1]])
    for (let i = 0, at = 0; i < HUES; i++) {
      const t = i/(HUES-1)%1
      if (i === HUES-1) at = 0
      while (at < pts.length-2 && pts[at+1][0] < t) at++
      const [[a, u], [b, v]] = [pts[at], pts[at+1]]
      rows[r][i] = 1/(b > a ? u+(v-u)*(t-a)/(b-a) : v)
    }
  }
  reached = new Float32Array(ROWS*HUES)
  for (let r = 0; r < ROWS; r++) {
    const at = r*(few-1)/(ROWS-1), i = Math.min(Math.trunc(at), few-2)
    for (let c = 0; c < HUES; c++) reached[r*HUES+c] = rows[i][c]+(at-i)*(rows[i+1][c]-rows[i][c])
  }
  return reached
}

const [[A, B, C], [D, E, F], [G, H, I]] = TO_RGB, TOP = 65536, LO = -1e-4*TOP, HI = (1+1e-4)*TOP
const rgb = new Float64Array(3)
function toLinear(fx, f, fz) {
  const X = back(fx)*TOP, Y = back(f)*TOP, Z = back(fz)*TOP
  rgb[0] = A*X+B*Y+C*Z; rgb[1] = D*X+E*Y+F*Z; rgb[2] = G*X+H*Y+I*Z
}
function fit(fx, f, fz) {  // a colour that sRGB cannot show, with as much of its chroma as it can
  const u = fx-f, v = fz-f, [far, turn] = way(u, v)
  const row = Math.min(Math.max(Math.trunc((f-DARK)*((ROWS-1)/(1-DARK))+.5), 0), ROWS-1)
  const share = Math.min(reach()[row*HUES+Math.trunc(turn*(HUES-1)+.5)]/Math.max(far, 1e-9), 1), gray = back(f)*TOP
  toLinear(f+u*share, f, f+v*share)
  const r = rgb[0]-gray, g = rgb[1]-gray, b = rgb[2]-gray
  const k = Math.min((TOP-gray)/Math.max(r, g, b, 1e-9), gray/Math.max(-r, -g, -b, 1e-9))
  rgb[0] = r*k+gray; rgb[1] = g*k+gray; rgb[2] = b*k+gray
}
const byte = v => SRGB8[v < 0 ? 0 : v > 65535 ? 65535 : v | 0]
function put(px, at, fx, f, fz) {
  toLinear(fx, f, fz)
  if (rgb[0] < LO || rgb[1] < LO || rgb[2] < LO || rgb[0] > HI || rgb[1] > HI || rgb[2] > HI) fit(fx, f, fz)
  px[at] = byte(rgb[0]); px[at+1] = byte(rgb[1]); px[at+2] = byte(rgb[2])
}

export function shownAt(L, a, b) {  // a colour as sRGB can show it at this L*: [r, g, b]
  const f = (L+16)/116, u = a/500, v = -b/200, out = [0, 0, 0]
  let share = 1
  const inside = k => { toLinear(f+k*u, f, f+k*v); return rgb.every(c => c >= LO && c <= HI) }
  if (!inside(1)) { share = 0; for (let i = 0, step = .5; i < 9; i++, step /= 2) if (inside(share+step)) share += step }
  put(out, 0, f+share*u, f, f+share*v)
  return out
}

// Paints w*h pixels, some rows at a time. lines: from `edgeLines`, W*H cells; box: what the pixels cover of them, [left, top, right, bottom]
export class Painter {
  constructor(lines, [W, H], [w, h], [l, t, r, b]) {
    const s = shares(W, w, l, r)
    this.w = w; this.H = H
    this.planes = [0, 1, 2, 3].map(i => across(lines.subarray(i*W*H, (i+1)*W*H), W, H, s, w))
    this.down = shares(H, h, t, b)
    this.row = [0, 1, 2, 3].map(() => new Float32Array(w))
  }
  paint(px, y = 0) {  // rows from y on, in place
    const {w, row: [sx, sz, ox, oz], down: {k, from, w: share}} = this
    for (let at = 0; at < px.length; y++) {
      this.row.forEach((row, p) => {
        const plane = this.planes[p], most = Math.min(k, this.H-from[y])
        row.fill(0)
        for (let j = 0; j < most; j++) {
          const s = share[y*k+j], o = (from[y]+j)*w
          if (s) for (let i = 0; i < w; i++) row[i] += s*plane[o+i]
        }
      })
      for (let i = 0; i < w; i++, at += 4) {
        const f = fy(px[at], px[at+1], px[at+2])
        put(px, at, sx[i]*f+ox[i], f, sz[i]*f+oz[i])
      }
    }
    return px
  }
}

// ---- gray, toned, or in colour

function thumb(px, w, h, k) {  // L*a*b* of means of k*k pixels
  const W = Math.ceil(w/k), H = Math.ceil(h/k), lab = []
  for (let Y = 0; Y < H; Y++) for (let X = 0; X < W; X++) {
    const sum = [0, 0, 0], n = Math.min(k, w-X*k)*Math.min(k, h-Y*k)
    for (let y = Y*k; y < Math.min(Y*k+k, h); y++) for (let x = X*k; x < Math.min(X*k+k, w); x++) for (let c = 0; c < 3; c++) sum[c] += px[4*(y*w+x)+c]
    lab.push(rgb2lab(...sum.map(v => Math.round(v/n))))
  }
  return {lab, W, H}
}
const percentile = (v, p) => {
  const s = Float64Array.from(v).sort(), at = (s.length-1)*p/100, i = Math.floor(at)
  return s[i]+(at-i)*((s[i+1] ?? s[i])-s[i])
}
export function solve(A, B) {  // A x = B for several columns of B, both as rows; by elimination
  const n = A.length, m = A.map((r, i) => [...r, ...B[i]])
  for (let c = 0; c < n; c++) {
    let best = c
    for (let r = c+1; r < n; r++) if (Math.abs(m[r][c]) > Math.abs(m[best][c])) best = r
    ;[m[c], m[best]] = [m[best], m[c]]
    for (let r = 0; r < n; r++) if (r !== c) { const k = m[r][c]/m[c][c]; if (k) for (let j = c; j < m[c].length; j++) m[r][j] -= k*m[c][j] }
  }
  return m.map((r, i) => r.slice(n).map(v => v/r[i]))
}

export function tone(px, w, h) {  // 'gray', 'tinted' or 'color'
  const {lab, W, H} = thumb(px, w, h, Math.max(1, Math.trunc(Math.max(w, h)/64))), ab = lab.map(v => v.slice(1))
  const peak = percentile(ab.map(v => Math.hypot(...v)), 95), line = (i, n) => n > 1 ? -1+2*i/(n-1) : -1
  if (peak < 4) return 'gray'
  const rows = lab.map(([L], i) => {
    const x = line(i%W, W), y = line(Math.floor(i/W), H), place = [x, y, x*x, y*y, x*y]
    return [...Array.from({length: 9}, (_, s) => Math.max(0, 1-Math.abs(L/100*8-s))), ...place, ...place.map(v => v*L/100)]
  }), k = rows[0].length, AA = Array.from({length: k}, () => new Float64Array(k)), AB = Array.from({length: k}, () => [0, 0])
  rows.forEach((r, i) => { for (let p = 0; p < k; p++) if (r[p]) { for (let q = 0; q < k; q++) AA[p][q] += r[p]*r[q]; AB[p][0] += r[p]*ab[i][0]; AB[p][1] += r[p]*ab[i][1] } })
  for (let p = 0; p < k; p++) AA[p][p] += 1e-5*rows.length
  const x = solve(AA, AB), rest = percentile(rows.map((r, i) => Math.hypot(...[0, 1].map(c => ab[i][c]-r.reduce((s, v, p) => s+v*x[p][c], 0)))), 95)
  const [a, b] = [0, 1].map(c => ab.reduce((s, v) => s+v[c], 0)/ab.length), hue = Math.atan2(b, a)*180/Math.PI, warm = hue > 20 && hue < 115
  return rest > .24*(peak+4) || peak > (warm ? 36 : 10) ? 'color' : 'tinted'
}

// ---- what the network sees

export function seenSize(w, h, side) {  // [w, h]: about side*side pixels
  const k = Math.min(side/Math.sqrt(w*h), 8*side/Math.max(w, h))
  return [Math.max(1, even(w*k)), Math.max(1, even(h*k))]
}
export const even = v => { const r = Math.round(v); return Math.abs(v%1) === .5 && r%2 ? r-1 : r }  // halves go to the even number, as in Python
export function blocks(w, h, [W, H]) { return Math.max(1, Math.min(Math.trunc(h/(2*H)), Math.trunc(w/(2*W)))) }  // their side, before it is resized

// L: means of blocks of k*k pixels of a photo of w*h, to [W, H], with mirrored edges up to a multiple
export function seen(L, w, h, k, [W, H], multiple) {
  const small = resize(L, [Math.ceil(w/k), Math.ceil(h/k)], [W, H], [0, 0, w/k, h/k])
  const PW = Math.ceil(W/multiple)*multiple, PH = Math.ceil(H/multiple)*multiple, out = new Float32Array(PW*PH), mirror = (i, n) => (i %= 2*n, i < n ? i : 2*n-1-i)
  for (let y = 0; y < PH; y++) for (let x = 0; x < PW; x++) out[y*PW+x] = small[mirror(y, H)*W+mirror(x, W)]
  return {L: out, w: PW, h: PH}
}
export function cells(L, w, h, s) {  // means of blocks of s*s
  const W = w/s, out = new Float32Array(W*h/s)
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) out[Math.trunc(y/s)*W+Math.trunc(x/s)] += L[y*w+x]/s/s
  return out
}
