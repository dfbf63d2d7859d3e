// The settings of each photo, and the way back: what undo and redo return to.

import {same} from './common.js'

const PLAIN = {strength: 1, vivid: 0, variant: 0, hints: []}
const MOST = 100  // steps back

export class History {
  constructor(store) {
    this.store = store
    this.photos = new Map()  // id -> {ask, kept, past, future}; kept: the settings before a slider began to move
    store.addEventListener('state', () => this.store.state.photos.forEach(p => { if (!this.photos.has(p.id)) this.add(p.id, p.ask) }))
  }
  add(id, ask) { this.photos.set(id, {ask, kept: ask, past: [], future: []}) }
  forget(id) { this.photos.delete(id) }
  clear() { this.photos.clear() }
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
    return true
  }
}
