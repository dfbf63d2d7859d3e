// The one state that the parts of the page share: what the engine said last, the files that are still on their way, and the photo on view.

import {keep, kept} from './common.js'

const KEY = 'at'  // of the photo on view, for a reload

export class Store extends EventTarget {  // events: leave, open {id}, draw
  constructor() {
    super()
    this.whole = this.state = {photos: [], refused: [], progress: null}  // as the engine said it, and without what is removed
    this.away = new Set()  // ids of photos that are removed from view, but not yet from the engine
    this.settings = null  // models, sliders, formats and limits, from the engine
    this.coming = []  // files that are not with the engine yet
    this.at = null  // id of the photo on view
  }
  say(type, detail) { this.dispatchEvent(new CustomEvent(type, {detail})) }
  get photo() { return this.state.photos.find(p => p.id === this.at) }
  get ready() { return this.state.photos.filter(p => p.size) }
  draw() { this.say('draw') }
  take(state) {  // a new state from the engine
    this.whole = state
    for (const id of this.away) if (!state.photos.some(p => p.id === id)) this.away.delete(id)
    this.state = {...state, photos: state.photos.filter(p => !this.away.has(p.id))}
    this.settings = state.settings ?? this.settings
    this.say('state')
    const ids = this.ready.map(p => p.id)
    if (!ids.includes(this.at)) {
      const last = kept(KEY)
      this.at = null
      if (ids.length) this.open(ids.includes(last) ? last : ids[0])
    }
    this.draw()
  }
  open(id) {  // show a photo
    const fresh = id !== this.at
    this.say('leave')
    this.at = id
    keep(KEY, id)
    if (fresh) this.say('open', {id})
    else this.draw()
  }
}
