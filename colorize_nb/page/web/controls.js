// The panel beside the photo, and the keyboard: suggestions, sliders, the model, and hints, which are the visitor's own colours.

import {alike} from './alike.js'
import {$, button, element, same} from './common.js'
import {put, say} from './words.js'

const SLIDERS = ['vivid', 'strength']
const STILL = 400  // ms without a change, until suggestions are asked for again
const NEEDS_PHOTO = ['undo', 'redo', 'out', 'fit', 'in', 'hold', 'unsure', 'pair', 'clip', 'give', 'download', ...SLIDERS]
const percent = v => `${Math.round(100*v)} %`

export class Controls {
  constructor(engine, store, history, view, picker, preview, messages) {
    Object.assign(this, {engine, store, history, view, picker, preview, messages})
    this.finding = null  // stops the search for suggestions
    this.seeking = null  // {place, i}: a place, and the hint that is there, which get the colour of the next place that is chosen
    this.later = 0  // a timer
    this.suggested = ''  // photo and settings that they were asked for
    this.asked = null  // {key, found}: likely colours that may be wanted in a moment
    store.addEventListener('leave', () => picker.shut(false))
    store.addEventListener('draw', () => this.draw())
    this.sliders()
    this.hints()
    this.keys()
  }
  begin({sliders}) {  // the page's settings are here
    for (const id of [...SLIDERS, 'reach']) {
      const {low, high, step, start} = sliders[id]
      Object.assign($(`#${id}`), {min: low, max: high, step, value: start})
    }
    this.picker.reach = sliders.reach.start
  }
  set(change, done = true) {
    if (change.hints) this.giveUp()
    const changed = this.history.change(this.store.at, change, done)
    this.store.draw()
    if (changed) this.repaint()
  }
  async repaint() {  // the preview first, then the suggestions, once nothing changes any more
    await this.preview.request()
    clearTimeout(this.later)
    this.later = setTimeout(() => { if (this.store.photo && !$('#suggested').hidden) this.suggest(this.store.at) }, STILL)
  }
  step(back) {
    if (!(back ? this.history.undo() : this.history.redo())) return
    this.picker.shut(false)
    this.giveUp()
    this.store.draw()
    this.repaint()
  }

  draw() {
    const {photo} = this.store
    for (const id of NEEDS_PHOTO) $(`#${id}`).disabled = !photo || $(`#${id}`).matches('[aria-busy]')
    if (!photo) return
    const ask = this.history.ask()
    this.drawModel(ask)
    $('#undo').disabled = !this.history.canUndo
    $('#redo').disabled = !this.history.canRedo
    this.drawSliders(ask)
    for (const b of $('#ways').children) b.setAttribute('aria-pressed', !ask.picture && +b.dataset.k === ask.variant)
    this.drawHints(ask.hints)
  }
  drawSliders({vivid, strength}) {
    $('#vivid').value = vivid
    $('#vivid').setAttribute('aria-valuetext', vivid ? say('vivid.some', {percent: percent(vivid)}) : say('vivid.none'))
    $('#strength').value = strength
    $('#much').value = percent(strength)
    $('#strength').setAttribute('aria-valuetext', percent(strength))
  }
  drawModel({model = 'default'}) {  // where there is more than one; controls that it does not have are hidden
    const all = this.store.settings?.models ?? [], names = all.map(m => m.name), ours = model === 'default'
    $('#who').hidden = all.length < 2
    const options = [...$('#model').options].map(o => o.value)
    if (!same(options, names)) $('#model').replaceChildren(...names.map(n => new Option(n, n)))  // without its value, spaces would go
    $('#model').value = model
    $('#suggested').hidden = $('#unsure').hidden = !ours
    $('#bold').hidden = all.find(m => m.name === model)?.vivid === false
    if (!ours && this.preview.shading) this.preview.toggleShade()
  }
  drawHints(hints) {
    const {picker, next, store: {photo}} = this, chosen = picker.open ? picker.index : null
    this.view.showHints(hints, chosen)
    picker.draw(chosen === null ? null : hints[chosen])
    $('#ours').hidden = !hints.length
    $('#list').replaceChildren(...hints.map(({color}, i) => {
      const li = element('li'), b = button({textContent: `${i+1}`, onclick: () => this.choose(i)})
      b.style.setProperty('--c', color)
      b.setAttribute('aria-label', say('hint.change', {n: i+1, color}))
      li.append(b)
      return li
    }))
    $('#carry').hidden = !hints.length || !next || !alike(photo, next)
  }

  open() {  // another photo is on view
    this.finding?.abort()
    this.giveUp()
    this.suggested = ''
    $('#ways').replaceChildren()
  }
  async suggest(id) {  // how the photo would look in other ways, with the settings that it has now
    const {variant, picture, ...ask} = this.history.ask(), key = JSON.stringify([id, ask])
    if (this.suggested === key) return
    this.finding?.abort()
    const {signal} = this.finding = new AbortController()
    this.suggested = key
    let found
    try { found = await this.engine.variants(id, {...ask, variant: 0}, signal) } catch (e) { if (this.suggested === key) this.suggested = ''; return this.preview.session.failed(e) }
    if (this.store.at !== id || signal.aborted) return
    const ways = [...$('#ways').children]
    if (ways.length === found.length) return ways.forEach((b, k) => this.fill(b.firstChild, found[k]))
    $('#ways').replaceChildren(...found.map((src, k) => this.way(src, k)))
    this.store.draw()
  }
  fill(img, src) { Promise.resolve(src).then(s => { img.src = s }, e => this.preview.session.failed(e)) }
  way(src, k) {  // the button of a suggestion; src: an address, or a promise of it
    const img = element('img', {alt: ''}), b = button({onclick: () => this.set({variant: k, ...this.history.ask().picture && {picture: ''}})})
    this.fill(img, src)
    b.dataset.k = k
    const name = element('span')
    if (k) name.textContent = k
    else put(name, 'plain')
    b.append(img, name)
    return put(b, {wordsLabel: k ? 'way' : 'plain.label'}, {n: k})
  }
  sliders() {
    for (const id of SLIDERS) {
      $(`#${id}`).addEventListener('input', e => this.set({[id]: +e.target.value}, false))
      $(`#${id}`).addEventListener('change', e => this.set({[id]: +e.target.value}))
    }
    $('#model').onchange = e => this.set({model: e.target.value, variant: 0, vivid: 0})
    $('#undo').onclick = () => this.step(true)
    $('#redo').onclick = () => this.step(false)
  }

  // hints
  likely(place, i) {
    const ask = this.history.ask(), others = {...ask, hints: ask.hints.filter((_, n) => n !== i)}
    const key = JSON.stringify([this.store.at, others, place])
    if (this.asked?.key !== key) {
      this.asked = {key, found: this.engine.likely(this.store.at, others, place.x, place.y)}
      this.asked.found.catch(() => { this.asked = null })
    }
    return this.asked.found
  }
  pick(place, i = null) {  // open the colours of a place; i: of the hint that is there
    const {picker, view} = this, color = i === null ? null : this.history.ask().hints[i].color
    picker.index = i
    picker.place = place
    view.target(place)
    picker.ask(view.at(place), this.likely(place, i), {color, there: this.painted(place)})
    this.store.draw()
  }
  choose(i) {
    const hint = this.history.ask().hints[i]
    if (hint) this.pick(hint, i)
  }
  painted({x, y}) {  // the colour that the preview shows there
    const img = $('#after .whole'), [w, h] = this.store.photo.size
    if (!img.naturalWidth) return null
    const g = element('canvas', {width: 1, height: 1}).getContext('2d')
    g.drawImage(img, Math.floor(x*img.naturalWidth/w), Math.floor(y*img.naturalHeight/h), 1, 1, 0, 0, 1, 1)
    return '#'+[...g.getImageData(0, 0, 1, 1).data].slice(0, 3).map(v => v.toString(16).padStart(2, '0')).join('')
  }
  changeHint(i, change, done) {
    const hints = this.history.ask().hints.map((h, n) => n === i ? {...h, ...change} : h)
    this.set({hints}, done)
    if (done) this.view.reveal(hints[i])
  }
  dropHint(i) { this.set({hints: this.history.ask().hints.filter((_, n) => n !== i)}) }
  addHint(hint, done) {
    const {hints} = this.history.ask()
    this.picker.index = hints.length
    this.set({hints: [...hints, hint]}, done)
    this.view.reveal(hint)
  }
  get next() { const {ready, photo} = this.store; return ready[ready.indexOf(photo)+1] }
  seek(place, i) {  // the next place that is chosen gives its colour
    this.seeking = {place, i}
    this.view.target(place)
    this.view.stage.focus({preventScroll: true})
    this.store.draw()
  }
  giveUp() {
    if (!this.seeking) return
    this.seeking = null
    this.view.target(null)
    this.store.draw()
  }
  found(p) {
    const {place, i} = this.seeking, color = this.painted(p)
    this.giveUp()
    if (i !== null) this.changeHint(i, {color})
    else this.addHint({x: place.x, y: place.y, color})
    this.picker.index = null
  }
  carry() {  // take the hints to the next photo
    const {next: to, store: {photo: from}} = this
    const scaled = (v, k) => Math.min(to.size[k]-1, Math.round(v*to.size[k]/from.size[k]))
    const hints = this.history.ask().hints.map(h => ({...h, x: scaled(h.x, 0), y: scaled(h.y, 1)}))
    this.store.open(to.id)
    this.set({hints})
    this.messages.tell(say('carried', {n: hints.length, name: to.name}))
  }
  shut() {  // the picker was closed
    this.picker.index = null
    this.view.target(null)
    if (!this.store.photo) return
    this.set({})  // a slider that moved is done
  }
  hints() {
    const {picker, view} = this
    const on = (target, type, f) => target.addEventListener(type, ({detail}) => f(detail ?? {}))
    on(picker, 'color', ({color, done}) => {
      if (picker.index === null) this.addHint({x: picker.place.x, y: picker.place.y, color}, done)
      else this.changeHint(picker.index, {color}, done)
    })
    on(picker, 'reach', ({reach, done}) => { if (picker.index !== null) this.changeHint(picker.index, {reach}, done) })
    on(picker, 'elsewhere', ({place, index}) => this.seek(place, index))
    on(picker, 'unset', () => { if (picker.index !== null) this.dropHint(picker.index) })
    on(picker, 'shut', () => this.shut())
    on(view, 'soon', place => { if (!this.seeking) this.likely(place, null) })
    on(view, 'place', place => this.seeking ? this.found(place) : this.pick(place))
    on(view, 'hint', ({i}) => this.seeking ? this.found(this.history.ask().hints[i]) : this.choose(i))
    on(view, 'move', ({i, x, y, done}) => { picker.shut(false); this.changeHint(i, {x, y}, done) })
    on(view, 'drop', ({i}) => { this.dropHint(i); $('#stage').focus() })
    $('#none').onclick = () => this.set({hints: []})
    $('#carry').onclick = () => this.carry()
  }

  // the keyboard
  keys() {
    const {preview, view} = this
    const plain = {u: () => { if (!$('#unsure').hidden) preview.toggleShade() }, '+': () => view.zoom(view.scale*1.5), '=': () => view.zoom(view.scale*1.5),
      '-': () => view.zoom(view.scale/1.5), 0: () => view.fit(), 1: () => view.zoom(view.one)}
    document.addEventListener('keydown', e => {
      if (e.key === 'Escape') this.giveUp()
      const typing = e.target.matches('input:not([type=range]), textarea') || document.querySelector('dialog[open]')
      if (typing || !this.store.photo) return
      const key = e.key.toLowerCase()
      if (e.ctrlKey || e.metaKey) return this.undoKey(e, key)
      if (e.altKey || e.target.matches('select')) return  // there, letters look for a name
      if (key === 'g') { if (!e.repeat) preview.hold(true) }
      else plain[key]?.()
    })
    document.addEventListener('keyup', e => { if (e.key.toLowerCase() === 'g') preview.hold(false) })
  }
  undoKey(e, key) {
    if (key !== 'z' && key !== 'y') return
    e.preventDefault()
    this.step(key === 'z' && !e.shiftKey)
  }
}
