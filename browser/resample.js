// Pillow's resampling: a filter that averages when it shrinks, first along the rows, then along the columns.

export const CUBIC = {reach: 2, at: x => (x = Math.abs(x), x < 1 ? (1.5*x-2.5)*x*x+1 : x < 2 ? ((-.5*x+2.5)*x-4)*x+2 : 0)}
export const LINEAR = {reach: 1, at: x => Math.max(0, 1-Math.abs(x))}

// Of n samples, what each of m new ones takes: {k, from, w}; number i begins with sample from[i] and has its k shares at w[i*k]
export function shares(n, m, lo = 0, hi = n, filter = CUBIC) {
  const step = (hi-lo)/m, wide = Math.max(step, 1), reach = filter.reach*wide, k = Math.min(n, Math.ceil(reach)*2+1)
  const from = new Int32Array(m), w = new Float64Array(m*k)
  for (let i = 0; i < m; i++) {
    const mid = lo+(i+.5)*step, a = Math.max(0, Math.trunc(mid-reach+.5)), b = Math.min(n, Math.trunc(mid+reach+.5))
    let sum = 0
    for (let j = a; j < b; j++) sum += w[i*k+j-a] = filter.at((j-mid+.5)/wide)
    for (let j = 0; j < b-a; j++) w[i*k+j] /= sum
    from[i] = a
  }
  return {k, from, w}
}

export function across(x, w, h, {k, from, w: share}, m) {  // along the rows: h rows of m
  const out = new Float32Array(m*h)
  for (let y = 0; y < h; y++) for (let i = 0; i < m; i++) {
    let sum = 0
    const at = y*w+from[i], most = Math.min(k, w-from[i])
    for (let j = 0; j < most; j++) sum += x[at+j]*share[i*k+j]
    out[y*m+i] = sum
  }
  return out
}

function down(x, w, h, {k, from, w: share}, m) {
  const out = new Float32Array(w*m), row = new Float64Array(w)
  for (let i = 0; i < m; i++) {
    row.fill(0)
    const most = Math.min(k, h-from[i])
    for (let j = 0; j < most; j++) {
      const s = share[i*k+j], at = (from[i]+j)*w
      if (s) for (let c = 0; c < w; c++) row[c] += s*x[at+c]
    }
    out.set(row, i*w)
  }
  return out
}

// One plane of w*h floats at another size; box: the part to take, [left, top, right, bottom], fractions allowed
export function resize(x, [w, h], [W, H], [l, t, r, b] = [0, 0, w, h], filter = CUBIC) {
  if (W !== w || l || r !== w) { x = across(x, w, h, shares(w, W, l, r, filter), W) }
  return H !== h || t || b !== h ? down(x, W, h, shares(h, H, t, b, filter), H) : x
}

// Means of blocks of k*k; what is left at the right and at the bottom makes smaller blocks
export function reduce(x, w, h, k) {
  const W = Math.ceil(w/k), H = Math.ceil(h/k), out = new Float32Array(W*H), row = new Float64Array(W)
  for (let Y = 0; Y < H; Y++) {
    const top = Y*k, rows = Math.min(k, h-top)
    row.fill(0)
    for (let y = top; y < top+rows; y++) for (let X = 0, at = y*w; X < W; X++) {
      const end = Math.min(at+k, (y+1)*w)
      for (; at < end; at++) row[X] += x[at]
    }
    for (let X = 0; X < W; X++) out[Y*W+X] = row[X]/rows/Math.min(k, w-X*k)
  }
  return out
}
