// What stands behind the page. Another engine needs the same calls and nothing else:
//
//   begin(token?)                   -> State, with settings; goes on with a session that is there. Throws Stop with status 401 where a token is asked for
//   state()                         -> State: {photos: [{id, name, size: [w, h] | null, ask: Ask, previews, made, failed}], refused: [{name, why}],
//                                      progress: {what: 'open' | 'make' | 'load', done, total, left, before} | null, before}; 'load' counts bytes of the page itself;
//                                      settings: {local, models: [{name, vivid}], sliders: {strength, vivid, reach: {low, high, step, start}}, limits: {photos, pixels, upload},
//                                      accept: [what the file input accepts], kinds: what it opens, in words, more: what else to know, if anything,
//                                      film: why a film is refused, with {} for its kind, films: [suffixes of films],
//                                      pictures: whether a photo can take the colours of a second picture; then a photo has pictures: [Picture], and there is picture()}
//   add(file), example(name)        -> State; the photo is there at once and has a size when it is opened
//   before(id), thumb(id)           -> Blob, small
//   picture(id, file)               -> Picture: {id, name, taken: the share of the photo that is found in it, few: whether that is little}; ask.picture = its id takes its colours, '' none
//   preview(id, ask)                -> {blob, notes}: a picture, and sentences about it
//   variants(id, ask, signal)       -> [address of a picture, or a promise of it]; ask.variant = k shows number k, and 0 is the plain one; the rest is as in ask
//   likely(id, ask, x, y)           -> [{color: '#rrggbb', p}], most probable first
//   doubt(id, ask)                  -> Blob: a picture to lay over the photo
//   crop(id, ask, side, box, width) -> Blob: a part [x, y, w, h] of the full size, 'before' or 'after', at most width wide
//   finish(id, ask)                 -> {name, bytes}: the result is made; then save(id, 'file' | 'pair'), and file(id, 'file' | 'pair') -> File
//   all({strength, vivid, model, aside: ids of photos that keep theirs}), make(), stop(), remove(id), read(), clear() -> State; after make(), save('zip')
//
// Ask is {strength, vivid, variant, hints: [{x, y, color, reach}], model, picture}, x and y in pixels of the upright photo at full size; reach from 0 to 1 where it was set; model and picture where there are any.

import {download} from './common.js'
import {english} from './words.js'

export class Stop extends Error { constructor(status, text) { super(text); this.status = status } }

const token = new URLSearchParams(location.hash.slice(1)).get('token')  // a notebook puts it there: a frame may get no cookie
if (token) history.replaceState(null, '', location.pathname)

let key = null  // whose photos these are, with the cookie: a cookie alone could be set by a page of another port
try { key = sessionStorage.getItem('key') } catch { /* a frame of a notebook may not */ }
function remember(k) {
  key = k
  try { sessionStorage.setItem('key', k) } catch { /* then a reload begins anew */ }
}

async function ask(method, path, body, signal) {
  const headers = {}
  if (token) headers.authorization = `Bearer ${token}`
  if (key) headers['colorize-key'] = key
  const json = body !== undefined && !(body instanceof Blob)
  if (json) headers['content-type'] = 'application/json'
  let r
  try { r = await fetch(path, {method, headers, body: json ? JSON.stringify(body) : body, signal, credentials: 'same-origin', keepalive: method === 'DELETE'}) }
  catch (e) { if (e.name === 'AbortError') throw e; throw new Stop(0, english('said.silent')) }
  if (r.ok) return r
  let text
  try { text = (await r.json()).error } catch { text = '' }
  throw new Stop(r.status, text || english('said.status', {status: r.status}))
}
const json = async (...a) => (await ask(...a)).json()
const blob = async (...a) => (await ask(...a)).blob()
const at = (id, what) => `session/photos/${id}${what ? '/' + what : ''}`

const named = r => decodeURIComponent(/filename\*?=(?:utf-8'')?"?([^";]+)/i.exec(r.headers.get('content-disposition') ?? '')?.[1] ?? 'photo')

function save(path) {
  const a = document.createElement('a')
  a.href = path; a.download = ''
  document.body.append(a); a.click(); a.remove()
}

export const engine = {
  async begin(t) {
    const s = await json('POST', 'session', t ? {token: t} : {})
    if (s.key) remember(s.key)
    return s
  },
  state: () => json('GET', 'session'),
  add: (file, signal) => json('POST', `session/photos?name=${encodeURIComponent(file.name)}`, new Blob([file]), signal),
  example: name => json('POST', `session/examples/${name}`),
  before: id => blob('GET', at(id, 'before')),
  thumb: id => blob('GET', at(id, 'thumb')),
  async preview(id, settings, signal) {
    const r = await ask('POST', at(id, 'preview'), {ask: settings}, signal)
    return {blob: await r.blob(), notes: JSON.parse(r.headers.get('colorize-notes') ?? '[]')}
  },
  picture: (id, file) => json('POST', `${at(id, 'picture')}?name=${encodeURIComponent(file.name)}`, new Blob([file])),
  variants: (id, settings, signal) => json('POST', at(id, 'variants'), {ask: settings}, signal),
  likely: (id, settings, x, y) => json('POST', at(id, 'likely'), {ask: settings, x, y}),
  doubt: (id, settings) => blob('POST', at(id, 'doubt'), {ask: settings}),
  crop: (id, settings, side, box, width, signal) => blob('POST', at(id, 'crop'), {ask: settings, side, box, width}, signal),
  finish: (id, settings) => json('POST', at(id, 'finish'), {ask: settings}),
  async file(id, what) {
    const r = await ask('GET', at(id, what))
    return new File([await r.blob()], named(r), {type: r.headers.get('content-type')})
  },
  async save(id, what) {  // 'file' or 'pair' of a photo, or save('zip')
    const path = what ? at(id, what) : 'session/zip'
    if (!token) return save(`${path}?key=${key}`)
    const r = await ask('GET', path)
    download(await r.blob(), named(r))
  },
  all: settings => json('POST', 'session/all', settings),
  make: () => json('POST', 'session/make'),
  stop: () => json('POST', 'session/stop'),
  remove: id => json('DELETE', at(id)),
  read: () => json('DELETE', 'session/refused'),
  clear: () => json('DELETE', 'session'),
}
