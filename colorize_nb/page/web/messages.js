// What the page says in words: troubles, how far the work is, and lines for those who hear the page.

import {$, button, element, same} from './common.js'
import {english, put, say, told} from './words.js'

const SECOND = 1000

function time(s) {
  if (s < 1) return say('left.none')
  return s < 100 ? say('left.seconds', {n: Math.max(1, Math.round(s))}) : say('left.minutes', {n: Math.round(s/60)})
}
function counted(done, total, left) {
  const count = {done: Math.min(done+1, total), total}
  return left == null ? say('far', count) : say('far.left', {...count, left: time(left)})
}
const line = ({name, why}) => name ? say('line', {name: told(name), why: told(why)}) : told(why)

export class Messages {
  constructor(store) {
    this.store = store
    this.said = []  // troubles of this page, {name, why} as those of the engine; those of the engine are in the state
    this.shown = ''  // lines in the box
    this.batch = null  // since when files are opened, and how many were ready then
    this.onread = () => {}  // the engine's troubles have been read
    store.addEventListener('draw', () => { this.drawTrouble(); this.drawProgress() })
  }
  trouble(why, name = '') {  // in English, see words.js; name: of a file
    const trouble = {name, why}
    if (!this.said.some(t => same(t, trouble))) this.said.push(trouble)
    this.store.draw()
  }
  forgive(key) {  // a trouble is over
    const i = this.said.findIndex(t => t.why === english(key))
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
    const lines = [...this.store.state.refused, ...this.said].map(line)
    $('#trouble').hidden = !lines.length
    if (!lines.length || this.shown === lines.join('\n')) return
    this.shown = lines.join('\n')
    const list = element('ul')
    list.append(...lines.map(textContent => element('li', {textContent})))
    $('#trouble').replaceChildren(list, put(button({onclick: () => this.close()}), 'close'))
  }

  progress() {
    const {state, coming} = this.store, p = state.progress
    if (!p && !coming.length) { this.batch = null; return null }
    if (p?.what === 'load') return {...p, text: say('far.load', {done: Math.round(p.done/1e6), total: Math.round(p.total/1e6)})}
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
    const p = this.progress(), photo = this.store.photo, title = say('title')
    $('#progress').hidden = !p
    document.title = p ? `${p.text} – ${title}` : photo ? `${photo.name} – ${title}` : title
    if (!p) return
    $('#stop').hidden = p.what === 'load'
    $('#bar').value = p.total ? p.done/p.total : 0
    $('#far').textContent = p.before ? say('far.after', {far: p.text, n: p.before}) : p.text
  }
}
