// Results: one file, both in one picture, all in a zip, and the same settings for every photo.

import {$, sleep} from './common.js'
import {english, put, say} from './words.js'

const ASKS = 1500, STEP = 400  // ms between two looks at the queue

export class Results {
  constructor(engine, store, history, session, messages, uploads, removals) {
    Object.assign(this, {engine, store, history, session, messages, removals})
    $('#download').onclick = e => this.keep(e.currentTarget, 'file')
    $('#pair').onclick = e => this.keep(e.currentTarget, 'pair')
    $('#all').onclick = e => this.busy(e.currentTarget, 'making.all', () => this.keepAll())
    $('#same').onclick = () => this.sameForAll()
    $('#stop').onclick = () => { uploads.stop(); session.act(engine.stop()) }
  }
  async busy(button, key, f) {  // a button that says so while something is made
    const svg = button.querySelector('svg'), name = button.dataset.words
    button.disabled = true
    svg.remove()
    put(button, key)
    const timer = setInterval(async () => {  // somebody else's photo may come first
      try {
        const {before} = await this.engine.state()
        put(button, before ? 'making.after' : key, {n: before})
      } catch { /* the call itself will say so */ }
    }, ASKS)
    try { await f() } catch (e) { this.session.failed(e) }
    clearInterval(timer)
    button.prepend(svg)
    put(button, name)
    button.disabled = false
  }
  keep(button, what) {
    return this.busy(button, 'making', async () => {
      const id = this.store.at, {name} = await this.engine.finish(id, this.history.ask())
      await this.engine.save(id, what)
      this.messages.tell(say('made', {name}))
      this.store.take(await this.engine.state())
    })
  }
  async keepAll() {
    const {engine, store, messages} = this
    await this.removals.send()
    store.take(await engine.make())
    while (store.state.progress) {
      await sleep(STEP)
      store.take(await engine.state())
    }
    const {photos} = store.state, failed = photos.filter(p => p.failed), late = photos.filter(p => p.size && !p.made && !p.failed)
    for (const p of failed) messages.trouble(p.failed, p.name)
    if (late.length) messages.trouble(english('said.late', {names: late.map(p => p.name).join('; ')}))
    if (photos.some(p => p.made)) await engine.save('zip')
  }
  async sameForAll() {
    const {strength, vivid, model} = this.history.ask(), shared = {strength, vivid, ...model && {model}}
    const variant = (model ?? 'default') === 'default' ? {} : {variant: 0}
    for (const p of this.store.ready) if (p.id !== this.store.at) this.history.change(p.id, {...shared, ...variant})
    await this.session.act(this.engine.all(shared))
    this.messages.tell(say('same.done'))
    this.session.watch()
  }
}
