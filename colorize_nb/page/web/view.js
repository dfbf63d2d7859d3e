// The photo: two pictures and a border between them, zoom and pan, hints to move, and a cross for the keyboard.
// It never takes scrolling away: the wheel zooms only where the page has nothing to scroll, or with Ctrl; one finger moves the photo only as far as it goes.

import {$, button} from './common.js'
import {put, say} from './words.js'

const clamp = (v, lo, hi) => Math.min(Math.max(v, lo), hi)
const MOVED = 5, TWICE = 230  // pixels that a click may slip; ms in which a second click makes it a double click
const NEAR = 24, ASIDE = 56  // pixels: a place so near the border is hidden by its knob, and so far goes the border

export class View extends EventTarget {  // events: soon {x, y} (perhaps), place {x, y}, hint {i}, move {i, x, y, done}, drop {i}, zoom
  constructor() {
    super()
    this.stage = $('#stage'); this.before = $('#before'); this.after = $('#after'); this.border = $('#border')
    this.size = null; this.scale = 1; this.x = this.y = 0; this.cut = .5; this.hints = []; this.urls = {}
    new ResizeObserver(() => this.fitted ? this.fit() : this.draw()).observe(this.stage)
    this.mouse(); this.touch(); this.keys(); this.drag()
  }
  say(type, detail) { this.dispatchEvent(new CustomEvent(type, {detail})) }

  // what is shown
  open(size) {
    this.size = size; this.hints = []
    for (const img of document.querySelectorAll('.layer img')) this.put(img, null)
    document.documentElement.style.setProperty('--ratio', size[1]/size[0])
    this.fit()
  }
  put(img, blob) {
    const old = this.urls[img.parentNode.id + img.className]
    const url = this.urls[img.parentNode.id + img.className] = blob && URL.createObjectURL(blob)
    if (url) img.src = url; else img.removeAttribute('src')
    img.hidden = !url
    if (old) setTimeout(() => URL.revokeObjectURL(old), 1000)
    return url ? img.decode().catch(() => {}) : Promise.resolve()
  }
  show(side, blob) { return this.put($(`#${side} .whole`), blob) }
  shade(blob) { return this.put($('#after .doubt'), blob) }
  async sharpen(side, blob, box) {
    const img = $(`#${side} .sharp`)
    if (!blob) return this.put(img, null)
    const [w, h] = this.size, next = img.cloneNode()  // the old part stays until the new one can be painted
    next.hidden = true
    img.after(next)
    await this.put(next, blob)
    Object.assign(next.style, {left: `${box[0]/w*100}%`, top: `${box[1]/h*100}%`, width: `${box[2]/w*100}%`, height: `${box[3]/h*100}%`})
    img.remove()
  }
  hold(on) { this.after.style.visibility = this.border.style.visibility = on ? 'hidden' : '' }
  reveal(p) {  // the border moves aside, so that a place of the photo is on view in colour
    const {l, r} = this.visible, x = this.x+(p.x+.5)*this.scale
    if (x-NEAR > l+(r-l)*this.cut) return
    this.stage.classList.add('aside')
    this.stage.addEventListener('transitionend', () => this.stage.classList.remove('aside'), {once: true})
    this.cut = clamp((x-ASIDE-l)/(r-l), 0, 1)
    this.draw()
  }
  target(p) { this.targeted = !!p; this.aim = p ?? this.aim; $('#aim').hidden = !p && !this.stage.matches(':focus-visible'); this.draw() }  // the cross
  wait(key) {
    const p = $('#wait')
    p.hidden = !key
    if (key) put(p, key)
  }
  showHints(hints, on) {
    this.hints = hints
    const host = $('#hints'), all = [...host.children]
    hints.forEach(({color}, i) => {
      const b = all[i] ?? host.appendChild(button())
      b.style.setProperty('--c', color)
      b.classList.toggle('on', i === on)
      b.setAttribute('aria-label', say('hint', {n: i+1, color}))
    })
    all.slice(hints.length).forEach(b => b.remove())
    this.draw()
  }

  // where it is
  get most() { return Math.max(1/devicePixelRatio, 1, 2*this.least) }
  get least() {
    const [w, h] = this.size, b = this.stage
    return Math.min(b.clientWidth/w, b.clientHeight/h, 4)
  }
  get one() { const s = 1/devicePixelRatio; return s > this.least*1.15 ? s : 2*this.least }  // 1:1, or twice for a small photo
  fit() { if (this.size) { this.fitted = true; this.scale = this.least; this.draw() } }
  zoom(scale, x = this.stage.clientWidth/2, y = this.stage.clientHeight/2) {
    if (!this.size) return
    const s = clamp(scale, this.least, this.most), k = s/this.scale
    this.x = x-(x-this.x)*k; this.y = y-(y-this.y)*k
    this.scale = s; this.fitted = s <= this.least*1.001
    this.draw()
  }
  toggle(x, y) { this.fitted ? this.zoom(this.one, x, y) : this.fit() }
  pan(dx, dy) { const x = this.x, y = this.y; this.x += dx; this.y += dy; this.draw(); return this.x !== x || this.y !== y }
  can(dx, dy) {  // whether the photo can still move that way
    const {x, y} = this
    this.place(dx, dy)
    const moved = Math.abs(this.x-x) > .5 || Math.abs(this.y-y) > .5
    this.x = x; this.y = y
    return moved
  }
  place(dx = 0, dy = 0) {
    const [w, h] = this.size, W = this.stage.clientWidth, H = this.stage.clientHeight
    const put = (v, n, room) => n <= room ? (room-n)/2 : clamp(v, room-n, 0)
    this.x = put(this.x+dx, w*this.scale, W); this.y = put(this.y+dy, h*this.scale, H)
  }
  get visible() {  // the part of the stage that shows photo
    const [w, h] = this.size
    return {l: Math.max(0, this.x), t: Math.max(0, this.y), r: Math.min(this.stage.clientWidth, this.x+w*this.scale), b: Math.min(this.stage.clientHeight, this.y+h*this.scale)}
  }
  get box() {  // the same in pixels of the photo
    const s = this.visible, [w, h] = this.size, k = this.scale
    const x = clamp(Math.floor((s.l-this.x)/k), 0, w-1), y = clamp(Math.floor((s.t-this.y)/k), 0, h-1)
    return [x, y, clamp(Math.ceil((s.r-this.x)/k)-x, 1, w-x), clamp(Math.ceil((s.b-this.y)/k)-y, 1, h-y)]
  }
  pixel(x, y) {  // pixels of the stage -> of the photo, or null beside it
    const [w, h] = this.size, px = Math.floor((x-this.x)/this.scale), py = Math.floor((y-this.y)/this.scale)
    return px >= 0 && py >= 0 && px < w && py < h ? {x: px, y: py} : null
  }
  at(p) {  // a pixel of the photo -> of the window
    const r = this.stage.getBoundingClientRect()
    return {x: r.left+this.x+(p.x+.5)*this.scale, y: r.top+this.y+(p.y+.5)*this.scale}
  }
  draw() {
    if (!this.size) return
    this.scale = clamp(this.scale, this.least, this.most)
    this.place()
    const [w, h] = this.size, k = this.scale, s = this.visible, cut = s.l+(s.r-s.l)*this.cut
    for (const l of [this.before, this.after]) Object.assign(l.style, {left: `${this.x}px`, top: `${this.y}px`, width: `${w*k}px`, height: `${h*k}px`})
    this.after.style.clipPath = `inset(0 0 0 ${Math.max(0, cut-this.x)}px)`
    Object.assign(this.border.style, {left: `${cut}px`, top: `${s.t}px`, bottom: `${this.stage.clientHeight-s.b}px`})
    this.border.setAttribute('aria-valuenow', Math.round(this.cut*100))
    this.border.setAttribute('aria-valuetext', say('border.at', {percent: Math.round(this.cut*100)}))
    this.hints.forEach((p, i) => {
      const b = $('#hints').children[i], x = this.x+(p.x+.5)*k, y = this.y+(p.y+.5)*k
      Object.assign(b.style, {left: `${x}px`, top: `${y}px`})
      b.classList.toggle('off', x < 0 || y < 0 || x > this.stage.clientWidth || y > this.stage.clientHeight)
    })
    if (this.aim) { const a = $('#aim'); a.style.left = `${this.x+(this.aim.x+.5)*k}px`; a.style.top = `${this.y+(this.aim.y+.5)*k}px` }
    this.stage.classList.toggle('zoomed', !this.fitted)
    const now = [this.x, this.y, k, this.stage.clientWidth, this.stage.clientHeight].join()
    if (now !== this.was) { this.was = now; this.say('zoom') }
  }

  // mouse and pen
  mouse() {
    const st = this.stage, local = e => { const r = st.getBoundingClientRect(); return [e.clientX-r.left, e.clientY-r.top] }
    let from = null
    st.addEventListener('pointerdown', e => {
      if (e.button || !this.size || e.target.closest('#border, #hints')) return
      from = {x: e.clientX, y: e.clientY, lx: e.clientX, ly: e.clientY, moved: false}
      if (e.pointerType !== 'touch') st.setPointerCapture(e.pointerId)
    })
    st.addEventListener('pointermove', e => {
      if (!from) return
      if (Math.hypot(e.clientX-from.x, e.clientY-from.y) > MOVED) from.moved = true
      if (from.moved && e.pointerType !== 'touch' && !this.fitted) { st.classList.add('panning'); this.pan(e.clientX-from.lx, e.clientY-from.ly) }
      from.lx = e.clientX; from.ly = e.clientY
    })
    const end = () => { from = null; st.classList.remove('panning') }
    st.addEventListener('pointercancel', end)
    st.addEventListener('pointerup', e => {
      const click = from && !from.moved
      end()
      if (click && this.size) this.click(e)
    })
    st.addEventListener('wheel', e => {
      if (!this.size) return
      const d = document.scrollingElement
      if (!e.ctrlKey && !e.metaKey && d.scrollHeight > d.clientHeight+1) return  // the page has somewhere to go
      e.preventDefault()
      this.zoom(this.scale*Math.exp(-clamp(e.deltaY*(e.deltaMode ? 16 : 1), -120, 120)*(e.ctrlKey ? .01 : .0025)), ...local(e))
    }, {passive: false})
  }
  click(e) {  // once: a colour for the spot; twice: 1:1 and back
    const r = this.stage.getBoundingClientRect(), x = e.clientX-r.left, y = e.clientY-r.top, p = this.pixel(x, y)
    if (this.timer) { clearTimeout(this.timer); this.timer = 0; this.toggle(x, y); return }
    if (p) this.say('soon', p)
    this.timer = setTimeout(() => { this.timer = 0; if (p) this.say('place', p) }, TWICE)
  }
  // two fingers zoom; one moves what is zoomed, and the page where the photo ends
  touch() {
    const st = this.stage
    let last = null, one = null
    const two = t => { const r = st.getBoundingClientRect(), [a, b] = t; return {d: Math.hypot(a.clientX-b.clientX, a.clientY-b.clientY), x: (a.clientX+b.clientX)/2-r.left, y: (a.clientY+b.clientY)/2-r.top} }
    st.addEventListener('touchstart', e => {
      if (e.target.closest('#border, #hints')) return
      last = e.touches.length === 2 ? two(e.touches) : null
      one = e.touches.length === 1 ? {x: e.touches[0].clientX, y: e.touches[0].clientY, pans: null} : null
      if (last) e.preventDefault()
    }, {passive: false})
    st.addEventListener('touchmove', e => {
      if (last && e.touches.length === 2) {
        e.preventDefault()
        const now = two(e.touches)
        this.zoom(this.scale*now.d/last.d, now.x, now.y); this.pan(now.x-last.x, now.y-last.y)
        last = now
      } else if (one && e.touches.length === 1 && !this.fitted) {
        const dx = e.touches[0].clientX-one.x, dy = e.touches[0].clientY-one.y
        one.pans ??= Math.abs(dx) > Math.abs(dy) ? this.can(dx, 0) : this.can(0, dy)
        if (!one.pans) return
        if (e.cancelable) e.preventDefault()
        this.pan(dx, dy)
        one.x += dx; one.y += dy
      }
    }, {passive: false})
    st.addEventListener('touchend', e => { if (e.touches.length < 2) last = null; if (!e.touches.length) one = null })
  }
  // the border, and hints
  drag() {
    const b = this.border
    const to = e => { const r = this.stage.getBoundingClientRect(), s = this.visible; this.cut = clamp((e.clientX-r.left-s.l)/(s.r-s.l), 0, 1); this.draw() }
    let from = null
    b.addEventListener('pointerdown', e => {
      if (e.button) return
      this.stage.classList.remove('aside')
      from = {x: e.clientX, moved: e.target !== b}  // the knob is not transparent to clicks, the line is
      b.setPointerCapture(e.pointerId); b.focus({preventScroll: true}); e.preventDefault()
    })
    b.addEventListener('pointermove', e => { if (from && (from.moved ||= Math.abs(e.clientX-from.x) > MOVED)) to(e) })
    b.addEventListener('pointercancel', () => { from = null })
    b.addEventListener('pointerup', e => {
      if (from && !from.moved) this.click(e)
      from = null
    })
    b.addEventListener('keydown', e => {
      const d = {ArrowLeft: -.05, ArrowRight: .05, ArrowDown: -.05, ArrowUp: .05, PageDown: -.2, PageUp: .2, Home: -1, End: 1}[e.key]
      if (d === undefined) return
      e.preventDefault(); e.stopPropagation()
      this.cut = clamp(this.cut+d, 0, 1); this.draw()
    })
    const host = $('#hints'), index = e => [...host.children].indexOf(e.target.closest('button'))
    let held = null, dragged = false  // a click follows a drag too
    host.addEventListener('pointerdown', e => {
      const i = index(e)
      if (i < 0 || e.button) return
      held = {i, x: e.clientX, y: e.clientY, moved: false}
      e.target.setPointerCapture(e.pointerId)
    })
    host.addEventListener('pointermove', e => {
      if (!held) return
      held.moved ||= Math.hypot(e.clientX-held.x, e.clientY-held.y) > MOVED
      if (held.moved) this.moveTo(held.i, e, false)
    })
    const release = e => { dragged = !!held?.moved; if (dragged) this.moveTo(held.i, e, true); held = null }
    host.addEventListener('pointerup', release)
    host.addEventListener('pointercancel', () => { held = null })
    host.addEventListener('click', e => { const i = index(e); if (i >= 0 && !dragged) this.say('hint', {i}); dragged = false })
    host.addEventListener('keydown', e => {
      const i = index(e), p = this.hints[i], d = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[e.key]
      if (e.key === 'Delete' || e.key === 'Backspace') { e.preventDefault(); e.stopPropagation(); this.say('drop', {i}) }
      if (!d) return
      e.preventDefault(); e.stopPropagation()
      const n = e.shiftKey ? 1 : Math.max(1, Math.round(Math.max(...this.size)/100))
      this.say('move', {i, x: clamp(p.x+d[0]*n, 0, this.size[0]-1), y: clamp(p.y+d[1]*n, 0, this.size[1]-1), done: true})
    })
  }
  moveTo(i, e, done) {
    const r = this.stage.getBoundingClientRect(), [w, h] = this.size
    this.say('move', {i, done, x: clamp(Math.floor((e.clientX-r.left-this.x)/this.scale), 0, w-1), y: clamp(Math.floor((e.clientY-r.top-this.y)/this.scale), 0, h-1)})
  }
  // the keyboard: a cross that arrow keys move
  keys() {
    const st = this.stage, a = $('#aim')
    st.addEventListener('keydown', e => {
      if (e.target !== st || !this.size || e.ctrlKey || e.metaKey || e.altKey) return
      const d = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[e.key], [w, h] = this.size
      if (d) {
        e.preventDefault()
        const n = Math.max(1, Math.round(Math.max(w, h)/(e.shiftKey ? 200 : 40)/Math.max(1, this.scale/this.least)))
        this.aim ??= {x: w >> 1, y: h >> 1}
        this.aim = {x: clamp(this.aim.x+d[0]*n, 0, w-1), y: clamp(this.aim.y+d[1]*n, 0, h-1)}
        a.hidden = false
        const x = this.x+this.aim.x*this.scale, y = this.y+this.aim.y*this.scale, m = 30
        this.x += Math.max(0, m-x)-Math.max(0, x-st.clientWidth+m); this.y += Math.max(0, m-y)-Math.max(0, y-st.clientHeight+m)
        this.draw()
      } else if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); this.aim ??= {x: w >> 1, y: h >> 1}; this.say('place', this.aim) }
    })
    st.addEventListener('blur', () => { a.hidden = !this.targeted })
  }
}
