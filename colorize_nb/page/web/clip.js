// A clip to send: the photo in gray for a moment, then the border moves over it and leaves colour behind. Recorded while it plays, in the format that the browser has.

import {Stop} from './engine.js'
import {$, download, element} from './common.js'
import {english, say} from './words.js'

const KINDS = ['video/mp4;codecs=avc1.42E028', 'video/webm;codecs=vp8', 'video/webm', 'video/mp4']  // most devices play the first
const SECONDS = 3, GRAY = .7, MOVING = 1.5, FRAMES = 25, BITS = 5e6  // s; the rest is in colour; frames and bits of a second
const SIDE = 1080  // pixels of the longer side at most; both are even, as MP4 needs them

const kind = 'captureStream' in HTMLCanvasElement.prototype ? KINDS.find(k => globalThis.MediaRecorder?.isTypeSupported(k)) : undefined
export const canRecord = !!kind

function size({width, height}) {
  const k = Math.min(1, SIDE/Math.max(width, height)), even = v => Math.max(2, 2*Math.round(v*k/2))
  return [even(width), even(height)]
}
function part(seconds) {  // of the way that the border has gone
  const t = Math.min(Math.max((seconds-GRAY)/MOVING, 0), 1)
  return t*t*(3-2*t)
}
function draw(g, before, after, done) {
  const {width: w, height: h} = g.canvas, x = Math.round(w*done)
  g.drawImage(before, 0, 0, w, h)
  if (!x) return
  g.save()
  g.beginPath()
  g.rect(0, 0, x, h)
  g.clip()
  g.drawImage(after, 0, 0, w, h)
  g.restore()
  g.fillStyle = '#fff'
  if (x < w) g.fillRect(x-1, 0, Math.max(2, w/300), h)
}
export async function record(before, after, name, signal) {  // pictures as blobs -> a File; nothing once it is aborted
  const pictures = await Promise.all([before, after].map(blob => createImageBitmap(blob))), [width, height] = size(pictures[0])
  const g = element('canvas', {width, height}).getContext('2d', {alpha: false}), parts = []
  draw(g, ...pictures, 0)
  const stream = g.canvas.captureStream(FRAMES), recorder = new MediaRecorder(stream, {mimeType: kind, videoBitsPerSecond: BITS}), began = performance.now()
  const over = new Promise((ok, no) => {
    recorder.ondataavailable = ({data}) => parts.push(data)
    recorder.onstop = ok
    recorder.onerror = () => no(new Stop(422, english('said.clip')))
  })
  const timer = setInterval(() => {  // also where nothing moves: a canvas that nobody draws gives no frames
    const seconds = (performance.now()-began)/1000
    draw(g, ...pictures, part(seconds))
    if ((seconds >= SECONDS || signal?.aborted) && recorder.state !== 'inactive') recorder.stop()
  }, 1000/FRAMES)
  recorder.start()
  try { await over } finally {
    clearInterval(timer)
    for (const track of stream.getTracks()) track.stop()
    for (const picture of pictures) picture.close()
  }
  signal?.throwIfAborted()
  const [type] = kind.split(';'), file = new File(parts, `${name}-clip.${type.split('/')[1]}`, {type})
  if (!file.size) throw new Stop(422, english('said.clip'))
  return file
}
export async function clipOf(engine, photo, ask, signal) {  // of a photo with these settings
  const before = await engine.before(photo.id), {blob: after} = await engine.preview(photo.id, ask)
  return record(before, after, photo.name.split('/').pop().replace(/\.[^.]*$/, ''), signal)
}

export class Clip {  // the button, where results cannot be shared: there the clip is one of what is given away
  constructor(engine, store, history, messages, results) {
    $('#clip').hidden = !canRecord || !$('#give').hidden
    $('#clip').onclick = e => results.busy(e.currentTarget, () => ['making'], async () => {
      const file = await clipOf(engine, store.photo, history.ask())
      download(file, file.name)
      messages.tell(say('made', {name: file.name}))
    })
  }
}
