// The network in onnxruntime-web, on the processor or on the graphics card. The large files are kept for the next visit, also without a connection.

import {BUILT} from './built.js'
import {english} from './words.js'

async function bytes(name, add) {
  const {size, hash} = BUILT.files[name], key = `${name}?${hash}`
  const box = await self.caches?.open('colorize').catch(() => null), kept = await box?.match(key)
  const r = kept ?? await fetch(key), out = new Uint8Array(size)
  if (!r.ok) throw new Error(`${name}: ${r.status}`)
  let at = 0
  for (const reader = r.body.getReader(); ;) {
    const {done, value} = await reader.read()
    if (done) break
    if (at+value.length > size) throw new Error(english('said.file long', {file: name}))
    out.set(value, at); at += value.length; add(value.length)
  }
  if (at !== size) throw new Error(english('said.file short', {file: name}))
  if (!kept) await box?.put(key, new Response(out, {headers: {'content-type': 'application/octet-stream'}})).catch(() => {})  // no room
  return out
}
const RUNTIME = {wasm: ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.wasm'], webgpu: ['ort.jspi.min.mjs', 'ort-wasm-simd-threaded.jspi.wasm']}

export async function open(where, threads, tell) {
  const [module, code] = RUNTIME[where], names = [`ort/${code}`, 'model/default.onnx', 'model/default.safetensors'], total = names.reduce((s, n) => s+BUILT.files[n].size, 0)
  let done = 0
  const [ort, wasm, graph, weights] = await Promise.all([import(`./ort/${module}`), ...names.map(n => bytes(n, k => tell(done += k, total)))])
  Object.assign(ort.env.wasm, {wasmBinary: wasm.buffer, wasmPaths: new URL('ort/', import.meta.url).href, numThreads: threads})
  const session = await ort.InferenceSession.create(graph, {executionProviders: [where], externalData: [{path: 'default.safetensors', data: weights}],
    extra: {session: {disable_quant_qdq: '1'}}})  // the 8-bit weights become float once
  async function run(L, hints, [a, b]) {  // L*, and what `hintCells` gives; ab/110 and logits
    const {ab, logits} = await session.run({L: new ort.Tensor('float32', L.map(v => v/50-1), a), hints: new ort.Tensor('float32', hints, b)})
    return {ab: ab.data, logits: logits.data}
  }
  return {run}
}
