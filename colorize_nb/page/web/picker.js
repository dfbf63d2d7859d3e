// The colours of a place in the photo: six that the network thinks likely, those of things, any other, none, the one that is there, or that of another place. And how far it reaches, once it is a hint.

import {$, button} from './common.js'
import {word} from './names.js'
import {things} from './things.js'
import {put, say, told} from './words.js'

const BELOW = '(max-width: 860px) and (min-height: 480px)'  // where it lies below the photo

export class Picker extends EventTarget {  // events: color {color, done}, reach {reach, done}, elsewhere {place, index}, unset, shut
  constructor() {
    super()
    this.box = $('#picker')
    this.place = null  // {x, y} of the photo
    this.index = null  // of the hint that is there
    this.reach = null  // of a hint that does not say it
    const send = this.send = (type, detail) => this.dispatchEvent(new CustomEvent(type, {detail}))
    $('#own').addEventListener('input', e => send('color', {color: e.target.value, done: false}))
    $('#own').addEventListener('change', e => send('color', {color: e.target.value, done: true}))
    for (const type of ['input', 'change']) $('#reach').addEventListener(type, e => send('reach', {reach: +e.target.value, done: type === 'change'}))
    $('#gray').onclick = () => { send('color', {color: '#808080', done: true}); this.shut() }
    $('#asis').onclick = () => { if (this.there) send('color', {color: this.there, done: true}); this.shut() }
    $('#unset').onclick = () => { send('unset'); this.shut() }
    $('#shut').onclick = () => this.shut()
    $('#elsewhere').onclick = () => { const {place, index} = this; this.shut(false); send('elsewhere', {place, index}) }
    for (const all of ['#likely', '#things']) $(all).addEventListener('click', e => { const c = e.target.closest('button')?.dataset.color; if (c) { send('color', {color: c, done: true}); this.shut() } })
    this.box.addEventListener('keydown', e => {
      if (e.key === 'Escape') { e.stopPropagation(); this.shut() }
      const d = {ArrowLeft: -1, ArrowRight: 1}[e.key], all = [...$('#likely').children, ...$('#things').children], i = all.indexOf(document.activeElement)
      if (d && i >= 0) { e.preventDefault(); all[(i+d+all.length)%all.length].focus() }
    })
    document.addEventListener('pointerdown', e => { if (this.open && !this.box.contains(e.target) && !e.target.closest('#stage')) this.shut(false) })
  }
  get open() { return !this.box.hidden }
  async ask(at, colors, {color, there}) {  // at: of the window; colors: a promise; color: of the hint, if there is one; there: what is painted
    const turn = this.turn = {}
    if (!this.open) this.back = document.activeElement
    this.there = there
    $('#likely').replaceChildren(); put($('#asking'), 'picker.looking')
    $('#unset').hidden = !color; $('#own').value = color ?? there ?? '#7a1f1f'; $('#asis').hidden = !!color
    this.box.hidden = false
    this.drawThings()
    this.put(at)
    $('#shut').focus({preventScroll: true})
    let found
    try { found = await colors } catch (e) { if (turn === this.turn) this.failed(e); return }
    if (turn !== this.turn || !this.open) return
    put($('#asking'), 'picker.likely')
    $('#likely').replaceChildren(...found.map(({color: c, p}) => {
      const b = button({title: `${Math.round(100*p)} %`})
      b.dataset.color = c; b.dataset.p = Math.round(100*p); b.style.setProperty('--c', c)
      b.setAttribute('aria-pressed', c === color)
      return b
    }))
    this.name()
    this.put(at)
    if (this.box.contains(document.activeElement)) $('#likely').firstChild?.focus({preventScroll: true})
  }
  failed({message}) {
    delete $('#asking').dataset.words
    $('#asking').textContent = told(message)
  }
  name() {  // the likely colours, for those who hear them
    for (const b of $('#likely').children) b.setAttribute('aria-label', say('picker.colour', {colour: word(b.dataset.color), percent: b.dataset.p}))
  }
  draw(hint) {  // that is there, if there is one
    const reach = hint?.reach ?? this.reach, text = `${Math.round(100*reach)} %`
    this.name()
    $('#reaching').hidden = !hint
    $('#reach').value = reach; $('#reached').value = text; $('#reach').setAttribute('aria-valuetext', text)
  }
  drawThings() {
    $('#things').scrollLeft = 0
    $('#things').replaceChildren(...Object.entries(things(this.there)).map(([name, color]) => {
      const b = button()
      b.dataset.color = color; b.style.setProperty('--c', color)
      return put(b, `thing.${name}`)
    }))
  }
  put({x, y}) {  // beside the place, inside the window
    const r = this.box.getBoundingClientRect(), m = 8, gap = 24
    const inside = (v, size, room) => Math.min(Math.max(m, v), room-size-m)
    let left = inside(x-r.width/2, r.width, innerWidth), top = y+gap
    if (top+r.height > innerHeight-m) top = y-gap-r.height
    if (top < m) {  // neither below nor above
      top = inside(y-r.height/2, r.height, innerHeight)
      left = inside(x+gap+r.width < innerWidth-m ? x+gap : x-gap-r.width, r.width, innerWidth)
    }
    Object.assign(this.box.style, {left: `${left}px`, top: `${top}px`})
    if (matchMedia(BELOW).matches) scrollTo(scrollX, Math.max(scrollY, $('#work').offsetTop))
  }
  shut(focus = true) {
    if (!this.open) return
    const inside = this.box.contains(document.activeElement)
    this.box.hidden = true; this.turn = null
    if (focus && inside) this.back?.focus({preventScroll: true})
    this.send('shut')
  }
}
