// The settings of each photo, and the way back: what undo and redo return to, also after a reload.

import {keep, kept, keptKeys, same} from './common.js'

const PLAIN = {strength: 1, vivid: 0, variant: 0, hints: []}
const MOST = 100  // steps back
const KEY = 'steps ', ROOM = 20_000  // where a photo's steps are kept for a reload, and how many characters of them

export class History {
  constructor(store) {
    this.store = store
    this.photos = new Map()  // id -> {ask, kept, past, future}; kept: the settings before a slider began to move
    store.addEventListener('state', () => this.follow())
  }
  follow() {  // the photos that the engine has
    const {photos} = this.store.whole, ids = new Set(photos.map(p => p.id))
    for (const p of photos) if (!this.photos.has(p.id)) this.photos.set(p.id, this.remembered(p.id) ?? {ask: p.ask, kept: p.ask, past: [], future: []})
    for (const id of this.photos.keys()) if (!ids.has(id)) this.photos.delete(id)
    for (const key of keptKeys()) if (key.startsWith(KEY) && !ids.has(key.slice(KEY.length))) keep(key)
  }
  clear() { this.photos.clear() }
  remembered(id) {
    const steps = JSON.parse(kept(KEY+id))
    return steps && {...steps, ask: steps.kept}
  }
  remember(id) {  // the newest steps, as many as there is room for
    const {kept: now, past, future} = this.photos.get(id), steps = {kept: now, past: [...past], future: [...future]}
    let text = JSON.stringify(steps)
    while (text.length > ROOM && (steps.past.length || steps.future.length)) {
      const longer = steps.past.length > steps.future.length ? steps.past : steps.future
      longer.splice(0, Math.ceil(longer.length/4))
      text = JSON.stringify(steps)
    }
    if (!keep(KEY+id, text)) keep(KEY+id)
  }
  get here() { return this.photos.get(this.store.at) }
  ask(id = this.store.at) { return this.photos.get(id)?.ask ?? PLAIN }
  get canUndo() { return !!this.here?.past.length }
  get canRedo() { return !!this.here?.future.length }

  change(id, change, done = true) {  // returns whether the picture changes; a slider that moves is not done
    const h = this.photos.get(id)
    if (!h) return false
    const now = {...h.ask, ...change}, changed = !same(h.ask, now)
    if (done && !same(h.kept, now)) {
      h.past.push(h.kept)
      if (h.past.length > MOST) h.past.shift()
      h.future = []
      h.kept = now
      this.remember(id)
    }
    h.ask = now
    return changed
  }
  undo() { return this.step('past', 'future') }
  redo() { return this.step('future', 'past') }
  step(from, to) {  // returns whether there was a step
    const h = this.here
    if (!h?.[from].length) return false
    h[to].push(h.kept)
    h.ask = h.kept = h[from].pop()
    this.remember(this.store.at)
    return true
  }
}
