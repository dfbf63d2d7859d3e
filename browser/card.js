// The network on the graphics card, for worker.js.

import {open} from './network.js'

const net = open('webgpu', 1, () => {})
onmessage = async ({data: [L, hints, shapes]}) => {
  try { postMessage({gives: await (await net).run(L, hints, shapes)}) } catch (e) { postMessage({error: e.message ?? `${e}`}) }
}
