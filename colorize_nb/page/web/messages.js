// What the page says in words: troubles, how far the work is, and lines for those who hear the page.

import {$, button, element, plural} from './common.js'

const TITLE = 'Colour for old photos'
const SECOND = 1000

function time(s) {
  if (s < 1) return 'nearly done'
  return s < 100 ? `about ${Math.max(1, Math.round(s))} s left` : `about ${Math.round(s/60)} min left`
}
const counted = (done, total, left) => `${Math.min(done+1, total)} of ${total}${left == null ? '' : `, ${time(left)}`}`

export class Messages {
  constructor(store) {
    this.store = store
    this.said = []  // troubles of this page; those of the engine are in the state
    this.shown = ''  // lines in the box
    this.batch = null  // since when files are opened, and how many were ready then
    this.onread = () => {}  // the engine's troubles have been read
    store.addEventListener('draw', () => { this.drawTrouble(); this.drawProgress() })
  }
  trouble(text) {
    if (!this.said.includes(text)) this.said.push(text)
    this.store.draw()
  }
  forgive(start) {  // a trouble is over
    const i = this.said.findIndex(t => t.startsWith(start))
    if (i < 0) return
    this.said.splice(i, 1)
    this.store.draw()
  }
  tell(text) { $('#live').textContent = text }
  close() {
    this.said = []
    this.shown = ''
    $('#trouble').hidden = true
    if (this.store.state.refused.length) this.onread()
  }
  drawTrouble() {
    const lines = [...this.store.state.refused.map(r => `${r.name}: ${r.why}`), ...this.said]
    $('#trouble').hidden = !lines.length
    if (!lines.length || this.shown === lines.join('\n')) return
    this.shown = lines.join('\n')
    const list = element('ul')
    list.append(...lines.map(textContent => element('li', {textContent})))
    $('#trouble').replaceChildren(list, button({textContent: 'Close', onclick: () => this.close()}))
  }

  progress() {
    const {state, coming} = this.store, p = state.progress
    if (!p && !coming.length) { this.batch = null; return null }
    if (p?.what === 'load') return {...p, text: `Loading ${Math.round(p.done/1e6)} of ${Math.round(p.total/1e6)} MB`}
    if (p?.what === 'make' && !coming.length) return {...p, text: counted(p.done, p.total, p.left)}
    return {...this.opening(), before: p?.before}
  }
  opening() {  // how far the files are that were dropped together
    const {state, coming, ready} = this.store, opened = ready.length+state.refused.length
    this.batch ??= {since: performance.now(), opened}
    const done = Math.max(0, opened-this.batch.opened)
    const total = done+(state.photos.length-ready.length)+coming.length
    const left = done ? (performance.now()-this.batch.since)/SECOND/done*(total-done) : null
    return {done, total, text: counted(done, total, left)}
  }
  drawProgress() {
    const p = this.progress(), photo = this.store.photo
    $('#progress').hidden = !p
    document.title = p ? `${p.text} – ${TITLE}` : photo ? `${photo.name} – ${TITLE}` : TITLE
    if (!p) return
    $('#stop').hidden = p.what === 'load'
    $('#bar').value = p.total ? p.done/p.total : 0
    $('#far').textContent = p.text+(p.before ? ` (after ${plural(p.before, 'other')})` : '')
  }
}
