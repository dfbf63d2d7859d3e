// Results: one file, both in one picture, all in a zip, and the same settings for every photo.

import {$, sleep} from './common.js'
import {english, put, say} from './words.js'

const ASKS = 1500, STEP = 400  // ms between two looks at the queue

export class Results {
  constructor(engine, store, history, session, messages, uploads, removals) {
    Object.assign(this, {engine, store, history, session, messages, removals})
    this.stopped = false  // by the visitor, while all results are made
    $('#download').onclick = e => this.keep(e.currentTarget, 'file')
    $('#pair').onclick = e => this.keep(e.currentTarget, 'pair')
    $('#all').onclick = e => this.busy(e.currentTarget, () => this.counted(), () => this.keepAll())
    $('#same').onclick = () => this.sameForAll()
    $('#stop').onclick = () => { this.stopped = true; uploads.stop(); session.act(engine.stop()) }
  }
  async busy(button, words, f) {  // a button that says so while something is made; words: a function that returns a key and its values
    const svg = button.querySelector('svg'), name = button.dataset.words
    button.disabled = true
    button.setAttribute('aria-busy', true)  // what is drawn meanwhile does not enable it
    svg.remove()
    put(button, ...words())
    const timer = setInterval(async () => {  // somebody else's photo may come first
      try {
        const {before} = await this.engine.state()
        if (button.matches('[aria-busy]')) put(button, ...before ? ['making.after', {n: before}] : words())
      } catch { /* the call itself will say so */ }
    }, ASKS)
    try { await f() } catch (e) { this.session.failed(e) }
    clearInterval(timer)
    button.prepend(svg)
    put(button, name)
    button.disabled = false
    button.removeAttribute('aria-busy')
    this.store.draw()
  }
  keep(button, what) {
    return this.busy(button, () => ['making'], async () => {
      const id = this.store.at, {name} = await this.engine.finish(id, this.history.ask())
      await this.engine.save(id, what)
      this.messages.tell(say('made', {name}))
      this.store.take(await this.engine.state())
    })
  }
  counted() {
    const {state, coming} = this.store
    return ['making.all', {made: state.photos.filter(p => p.made).length, all: state.photos.length+coming.length}]
  }
  async settled() {  // nothing is on its way, is being opened or is being made
    const {engine, store} = this, waits = () => store.coming.length || store.state.progress || store.state.photos.some(p => !p.size)
    while (waits() && !this.stopped) {
      await sleep(STEP)
      store.take(await engine.state())
    }
  }
  async keepAll() {
    const {engine, store, messages} = this, missing = () => store.ready.some(p => !p.made && !p.failed)
    this.stopped = false
    await this.removals.send()
    await this.settled()
    do if (!this.stopped) {
      store.take(await engine.make())
      await this.settled()
    } while (missing() && !this.stopped)
    const {photos} = store.state, failed = photos.filter(p => p.failed), late = photos.filter(p => p.size && !p.made && !p.failed)
    for (const p of failed) messages.trouble(p.failed, p.name)
    if (late.length) messages.trouble(english('said.late', {names: late.map(p => p.name).join('; ')}))
    if (photos.some(p => p.made)) await engine.save('zip')
  }
  async sameForAll() {
    const {strength, vivid, model} = this.history.ask(), shared = {strength, vivid, ...model && {model}}
    const variant = (model ?? 'default') === 'default' ? {} : {variant: 0}
    for (const p of this.store.ready) if (p.id !== this.store.at) this.history.change(p.id, {...shared, ...variant})
    await this.session.act(this.engine.all({...shared, aside: [...this.store.away]}))  // what is removed keeps its own: it may be brought back
    this.messages.tell(say('same.done'))
    this.session.watch()
  }
}
