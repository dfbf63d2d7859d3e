// The photo on view: one preview at a time, always of the newest settings; the pixels of the full size where it is zoomed; the shading of doubt.

import {$, element} from './common.js'
import {put, say, told} from './words.js'

const SLOW = 500, FETCHING = 400, STILL = 150  // ms: until waiting is said, and until a zoom is taken for finished
const FINER = 1.15  // so many pixels of the screen for one of the preview ask for the full size

export class Preview {
  constructor(engine, store, history, view, session) {
    Object.assign(this, {engine, store, history, view, session})
    this.notes = null  // on the picture on view, as soon as there is one
    this.wanted = null  // {id, ask} of the next preview
    this.running = null  // a promise of the end of all previews that are wanted
    this.now = null  // {id, stop} of the preview that is being made
    this.rough = false  // a thumbnail stands in for the preview
    this.shading = false
    this.full = null  // stops the request for pixels of the full size
    this.later = 0  // a timer
    view.addEventListener('zoom', () => this.zoomed())
    this.buttons()
    store.addEventListener('draw', () => this.drawNote())
  }
  open() {  // the photo on view is another one
    this.notes = null
    this.view.aim = null
    this.view.open(this.store.photo.size)
    this.stand(this.store.at)
  }
  async stand(id) {  // its thumbnail, until the preview is there
    this.rough = true
    const blob = await this.engine.thumb(id).catch(() => null)
    if (blob && this.rough && this.store.at === id) this.view.show('after', blob)
  }
  showBefore(id) {
    this.engine.before(id).then(blob => { if (this.store.at === id) this.view.show('before', blob) }).catch(e => this.session.failed(e))
  }
  request() {
    this.wanted = {id: this.store.at, ask: this.history.ask()}
    if (this.now && this.now.id !== this.wanted.id) this.now.stop.abort()  // nobody looks at that photo any more
    return this.running ??= this.run()
  }
  async run() {
    while (this.wanted) {
      const {id, ask} = this.wanted, {stop} = this.now = {id, stop: new AbortController()}
      this.wanted = null
      const timer = setTimeout(() => { if (this.store.at === id) this.view.wait('wait.colouring') }, SLOW)
      try { await this.show(id, await this.engine.preview(id, ask, stop.signal)) } catch (e) { this.session.failed(e) }
      clearTimeout(timer)
      this.view.wait('')
    }
    this.running = this.now = null
  }
  async show(id, {blob, notes}) {
    if (this.store.at !== id) return
    this.rough = false
    await this.view.show('after', blob)
    this.notes = notes
    const p = this.store.photo
    if (p) { p.previews++; p.made = false; this.store.draw() }
    this.sharpenAfter()
    if (this.shading && !this.wanted) this.shade()
    const stage = $('#stage').dataset
    stage.previews = +(stage.previews ?? 0)+1
  }
  drawNote() {
    const p = this.store.photo
    if (!p) return
    const name = element('b', {textContent: p.name.split('/').pop()})
    $('#note').replaceChildren(name, ` · ${say('photo.size', {width: p.size[0], height: p.size[1]})}`, ...this.remark(p))
  }
  remark({failed}) {  // on the photo; where there is nothing else to say, what colouring leaves as it is
    if (failed) return [` · ${say('photo.failed', {why: told(failed)})}`]
    if (!this.notes) return []
    if (!this.notes.length) return [put(element('span', {className: 'only'}), 'note.only')]
    return [' · ', element('span', {className: 'care', textContent: this.notes.map(told).join(' ')})]
  }

  // pixels of the full size, as soon as the preview has too few
  zoomed() {
    const {view} = this
    if (view.fitted) put($('#fit'), 'fit')
    else {
      delete $('#fit').dataset.words
      $('#fit').textContent = `${Math.round(view.scale*devicePixelRatio*100)} %`
    }
    this.store.say('leave')
    clearTimeout(this.later)
    this.later = setTimeout(() => this.sharpenBoth(), STILL)
  }
  region() {  // what to ask for, or null where the preview is good enough
    const p = this.store.photo, {naturalWidth: have} = $('#after .whole'), scale = this.view.scale*devicePixelRatio
    if (!p || !have || this.rough || have >= p.size[0] || scale < FINER*have/p.size[0]) return null
    const {box} = this.view, [,, wide] = box
    return {box, width: Math.max(1, Math.min(wide, Math.round(wide*scale)))}
  }
  sharpenAfter() {
    this.view.sharpen('after')
    if (this.region()) this.sharpenBoth()
  }
  async sharpenBoth() {
    const region = this.region()
    this.full?.abort()
    this.full = null
    if (region) return this.sharpen(region)
    this.view.sharpen('before')
    this.view.sharpen('after')
  }
  async sharpen({box, width}) {
    const id = this.store.at, mine = this.full = new AbortController(), {signal} = mine
    const timer = setTimeout(() => { if (!signal.aborted) this.view.wait('wait.full') }, FETCHING)
    try {
      for (const side of ['after', 'before']) {
        const blob = await this.engine.crop(id, this.history.ask(), side, box, width, signal)
        if (this.store.at === id && !signal.aborted) await this.view.sharpen(side, blob, box)
      }
    } catch (e) { this.session.failed(e) }
    clearTimeout(timer)
    if (this.full !== mine) return
    this.view.wait('')
    $('#stage').dataset.sharp = box.join()
  }

  // doubt, and the photo as it was
  async shade() {
    const id = this.store.at
    try {
      const blob = await this.engine.doubt(id, this.history.ask())
      if (this.shading && this.store.at === id) this.view.shade(blob)
    } catch (e) { this.session.failed(e) }
  }
  toggleShade() {
    this.shading = !this.shading
    $('#unsure').setAttribute('aria-pressed', this.shading)
    this.store.draw()
    if (this.shading) this.shade()
    else this.view.shade(null)
  }
  hold(on) {
    this.view.hold(on)
    $('#hold').setAttribute('aria-pressed', on)
  }
  buttons() {
    const {view} = this, hold = $('#hold')
    $('#in').onclick = () => view.zoom(view.scale*1.5)
    $('#out').onclick = () => view.zoom(view.scale/1.5)
    $('#fit').onclick = () => view.toggle(view.stage.clientWidth/2, view.stage.clientHeight/2)
    $('#unsure').onclick = () => this.toggleShade()
    hold.setAttribute('aria-pressed', false)
    hold.addEventListener('pointerdown', e => { hold.setPointerCapture(e.pointerId); this.hold(true) })
    for (const type of ['pointerup', 'pointercancel', 'blur']) hold.addEventListener(type, () => this.hold(false))
    hold.addEventListener('keydown', e => { if (e.key === ' ' || e.key === 'Enter') { e.preventDefault(); this.hold(true) } })
    hold.addEventListener('keyup', () => this.hold(false))
    hold.addEventListener('contextmenu', e => e.preventDefault())
  }
}
