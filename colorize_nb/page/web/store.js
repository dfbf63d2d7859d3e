// The one state that the parts of the page share: what the engine said last, the files that are still on their way, and the photo on view.

const KEY = 'at'  // of the photo on view, for a reload

export class Store extends EventTarget {  // events: leave, open {id}, draw
  constructor() {
    super()
    this.state = {photos: [], refused: [], progress: null}
    this.settings = null  // models, sliders, formats and limits, from the engine
    this.coming = []  // files that are not with the engine yet
    this.at = null  // id of the photo on view
  }
  say(type, detail) { this.dispatchEvent(new CustomEvent(type, {detail})) }
  get photo() { return this.state.photos.find(p => p.id === this.at) }
  get ready() { return this.state.photos.filter(p => p.size) }
  draw() { this.say('draw') }
  take(state) {  // a new state from the engine
    this.state = state
    this.settings = state.settings ?? this.settings
    this.say('state')
    const ids = this.ready.map(p => p.id)
    if (!ids.includes(this.at)) {
      const last = this.remembered()
      this.at = null
      if (ids.length) this.open(ids.includes(last) ? last : ids[0])
    }
    this.draw()
  }
  open(id) {  // show a photo
    const fresh = id !== this.at
    this.say('leave')
    this.at = id
    this.remember(id)
    if (fresh) this.say('open', {id})
    else this.draw()
  }
  remember(id) { try { sessionStorage.setItem(KEY, id) } catch { /* a frame of a notebook may not */ } }
  remembered() { try { return sessionStorage.getItem(KEY) } catch { return null } }
}
