// How alike two pictures are at every shift, by the fast Fourier transform.

const power = n => 2**Math.ceil(Math.log2(Math.max(n, 2)))

function tables(n) {  // of one length: where each value goes, and the turns
  const to = new Uint32Array(n), bits = Math.log2(n), cos = new Float64Array(n/2), sin = new Float64Array(n/2)
  for (let i = 0; i < n; i++) for (let b = 0; b < bits; b++) if (i & 1 << b) to[i] |= 1 << bits-1-b
  for (let i = 0; i < n/2; i++) { cos[i] = Math.cos(2*Math.PI*i/n); sin[i] = -Math.sin(2*Math.PI*i/n) }
  return {n, to, cos, sin}
}
function swap(x, i, j, n) { for (let k = 0; k < n; k++) { const v = x[i+k]; x[i+k] = x[j+k]; x[j+k] = v } }

// In place, down the rows of planes that are `wide`; of each row the first `count` values
function transform(re, im, wide, count, {n, to, cos, sin}) {
  for (let i = 0; i < n; i++) if (to[i] > i) { swap(re, i*wide, to[i]*wide, count); swap(im, i*wide, to[i]*wide, count) }
  for (let half = 1, turn = n >> 1; half < n; half *= 2, turn >>= 1) for (let first = 0; first < n; first += 2*half) for (let k = 0; k < half; k++) {
    const c = cos[k*turn], s = sin[k*turn], end = (first+k)*wide+count
    for (let i = (first+k)*wide, j = i+half*wide; i < end; i++, j++) {
      const x = re[j]*c-im[j]*s, y = re[j]*s+im[j]*c
      re[j] = re[i]-x; im[j] = im[i]-y; re[i] += x; im[i] += y
    }
  }
}
function transpose(x, w, h, to) { for (let i = 0, at = 0; i < h; i++) for (let j = 0; j < w; j++, at++) to[j*h+i] = x[at] }

// Of a photo's detail, {v, w, h}: a function that compares it with another of no more than size-w, size-h pixels.
// Two real planes travel as one complex plane, each way
export function correlator({v, w, h}, size) {
  const [W, H] = size.map(power), n = W*H, across = tables(W), down = tables(H)
  const space = () => ({re: new Float64Array(n), im: new Float64Array(n)}), pair = space(), alone = space(), out = [space(), space()], spare = new Float64Array(n)
  function turn(plane, w, h) { for (const k of ['re', 'im']) { transpose(plane[k], w, h, spare); plane[k].set(spare) } }
  function forth(plane, w) {  // columns that are not empty; rows and columns change places
    transform(plane.re, plane.im, W, w, down)
    turn(plane, W, H)
    transform(plane.re, plane.im, H, H, across)
  }
  function back(plane) {
    transform(plane.im, plane.re, H, H, across)
    turn(plane, H, W)
    transform(plane.im, plane.re, W, W, down)
    for (let i = 0; i < n; i++) { plane.re[i] /= n; plane.im[i] /= n }
  }
  function spectra(values, mask, w, h) {  // of values and of their squares, where mask is, and of the mask
    for (const x of [pair.re, pair.im, alone.re, alone.im]) x.fill(0)
    for (let y = 0, i = 0; y < h; y++) for (let x = 0, at = y*W; x < w; x++, i++, at++) {
      const s = mask ? mask[i] : 1
      pair.re[at] = values[i]*s; pair.im[at] = values[i]*values[i]*s; alone.re[at] = s
    }
    forth(pair, w); forth(alone, w)
  }
  const other = Uint32Array.from({length: n}, (_, i) => (W-Math.trunc(i/H))%W*H+(H-i%H)%H)  // the frequency that goes the other way
  const own = [0, 1, 2, 3, 4, 5].map(() => new Float64Array(n)), one = new Float64Array(6)
  function parted(i, to) {  // values, squares and mask of one frequency: six numbers
    const j = other[i], {re, im} = pair
    to[0] = (re[i]+re[j])/2; to[1] = (im[i]-im[j])/2; to[2] = (im[i]+im[j])/2; to[3] = (re[j]-re[i])/2; to[4] = alone.re[i]; to[5] = alone.im[i]
  }
  spectra(v, null, w, h)
  for (let i = 0; i < n; i++) { parted(i, one); for (let k = 0; k < 6; k++) own[k][i] = one[k] }
  const [vr, vi, er, ei, mr, mi] = own
  return (values, mask) => {
    spectra(values.v, mask, values.w, values.h)
    const [first, second] = out
    for (let i = 0; i < n; i++) {
      parted(i, one)
      const [a, b, c, d, e, f] = one
      // conj(own)*other of values, and of masks times i; then of squares with the mask, and of the mask with squares times i
      first.re[i] = vr[i]*a+vi[i]*b-(mr[i]*f-mi[i]*e); first.im[i] = vr[i]*b-vi[i]*a+mr[i]*e+mi[i]*f
      second.re[i] = er[i]*e+ei[i]*f-(mr[i]*d-mi[i]*c); second.im[i] = er[i]*f-ei[i]*e+mr[i]*c+mi[i]*d
    }
    out.forEach(back)
    return {like: first.re, overlap: first.im, energy: second.re, energyB: second.im, W, H}
  }
}
