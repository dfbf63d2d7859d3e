// A photo that is removed goes from view at once, and from the engine ten seconds later: until then it can be brought back, with all that was set.

import {$} from './common.js'
import {put, say} from './words.js'

const LATER = 10_000  // ms

export class Removals {
  constructor(engine, store, session, messages) {
    Object.assign(this, {engine, store, session, messages, timer: 0})
    $('#bring').onclick = () => this.undo()
    $('#strip').addEventListener('keydown', e => this.key(e))
    addEventListener('pagehide', () => this.send())
    store.addEventListener('state', () => { if (!store.away.size) this.hide() })
    store.addEventListener('draw', () => this.makeRoom())
  }
  remove(id) {
    const {store} = this, all = store.ready, i = all.findIndex(p => p.id === id)
    if (id === store.at) {
      store.say('leave')
      const next = all[i+1] ?? all[i-1]
      if (next) store.open(next.id)
    }
    store.away.add(id)
    store.take(store.whole)
    this.show()
    this.home()
  }
  show() {
    const gone = this.store.whole.photos.filter(p => this.store.away.has(p.id)), values = {n: gone.length, name: gone[0].name}
    put($('#removed span'), 'removed', values)
    $('#removed').hidden = false
    this.messages.tell(say('removed', values))
    this.wait()
  }
  wait() {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => {  // not while somebody is about to press it
      if ($('#removed').matches(':hover, :has(:focus-visible)')) this.wait()
      else this.send()
    }, LATER)
  }
  hide() {
    const inside = $('#removed').contains(document.activeElement)
    clearTimeout(this.timer)
    $('#removed').hidden = true
    if (inside) this.home()
  }
  home() {  // where the focus goes
    const current = $('#strip [aria-current]')
    const to = current?.offsetParent ? current : $('#removed').hidden ? $('#stage') : $('#bring')
    to.focus({preventScroll: true})
  }
  undo() {
    const {store} = this, [first] = store.away
    store.away.clear()
    store.take(store.whole)
    if (store.ready.some(p => p.id === first)) store.open(first)
    this.home()
  }
  async send() {
    const {store} = this, ids = [...store.away]
    this.hide()
    await Promise.all(ids.map(async id => {
      if (await this.session.act(this.engine.remove(id))) return
      store.away.delete(id)  // it is still there
      store.take(store.whole)
    }))
  }
  makeRoom() {  // for photos that are on their way
    const {away, whole, coming, settings} = this.store
    if (away.size && whole.photos.length+coming.length > settings.limits.photos) this.send()
  }
  key(e) {
    if (!(e.ctrlKey || e.metaKey) || e.shiftKey || e.key.toLowerCase() !== 'z' || $('#removed').hidden) return
    e.preventDefault()
    e.stopPropagation()
    this.undo()
  }
}
