// The page and its engine: a session begins, goes on, and may be lost.

import {Stop} from './engine.js'
import {sleep} from './common.js'
import {english} from './words.js'

const ALIVE = 25_000, STEP = 350, AGAIN = 1500  // ms: between signs of life, between looks at work that goes on, and after a failure

export class Session {
  constructor(engine, store, history, messages) {
    Object.assign(this, {engine, store, history, messages, watching: false})
    messages.onread = () => this.act(engine.read())
  }
  async act(promise) {  // a call that gives a state
    try { this.store.take(await promise); return true }
    catch (e) { return this.failed(e) }
  }
  failed(e) {
    if (e.name === 'AbortError') return false
    if (e instanceof Stop && e.status === 404 && /session/.test(e.message)) { this.lost(); return false }
    if (!(e instanceof Stop)) console.error(e)
    this.messages.trouble(e.message)
    return false
  }
  async lost() {
    const {store} = this, had = store.state.photos.length
    this.history.clear()
    store.at = null
    store.take(await this.engine.begin().catch(() => store.state))
    if (had) this.messages.trouble(english('said.session'))
  }
  async watch() {  // ask how far it is while something is in work
    if (this.watching) return
    this.watching = true
    while (this.store.state.progress || this.store.state.photos.some(p => !p.size)) {
      await sleep(STEP)
      try { this.store.take(await this.engine.state()) }
      catch (e) {
        this.failed(e)
        if (e.status !== 0) break
        await sleep(AGAIN)
      }
    }
    this.watching = false
    this.store.draw()
  }
  async live() {  // signs of life keep the session
    for (;;) {
      await sleep(ALIVE)
      if (this.watching) continue
      if (await this.act(this.engine.state())) this.messages.forgive('said.silent')
    }
  }
}
