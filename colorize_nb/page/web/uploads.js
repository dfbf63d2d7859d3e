// Photos come: chosen, dropped, pasted, or an example; and go all together.

import {Stop} from './engine.js'
import {$, sleep} from './common.js'
import {refusal} from './films.js'
import {english} from './words.js'

const AGAIN = 1500  // ms until a lost connection is tried again

const readable = f => f.slice(0, 1).arrayBuffer().then(() => true, () => false)  // a folder, or a file that is gone, is not

async function walk(item) {  // the files of a dropped file or folder
  if (item.isFile) return [await new Promise((ok, no) => item.file(ok, no))]
  const reader = item.createReader(), found = []
  for (;;) {
    const some = await new Promise((ok, no) => reader.readEntries(ok, no))
    if (!some.length) return found
    for (const e of some) if (!e.name.startsWith('.')) found.push(...await walk(e))
  }
}

export class Uploads {
  constructor(engine, store, history, session, messages) {
    Object.assign(this, {engine, store, history, session, messages})
    this.running = null  // stops the uploads that go on
    this.over = 0  // elements that a dragged file is over
    this.aside = () => false  // whether a file that was dropped on the photo on view goes elsewhere
    this.dropping()
    this.buttons()
  }
  begin({accept}) { $('#files').accept = accept.join() }  // the page's settings are here

  async add(files) {
    const {store} = this
    store.coming.push(...files)
    store.draw()
    if (this.running) return
    this.running = new AbortController()
    while (store.coming.length && !this.running.signal.aborted) await this.send(store.coming[0])
    this.running = null
    store.draw()
  }
  async send(f) {  // f stays the first one where it shall be tried again
    const {store} = this, why = await refusal(f, store.settings ?? {})
    if (this.running.signal.aborted) return
    let state = store.state
    if (why) this.messages.trouble(why, f.name)
    else try { state = await this.engine.add(f, this.running.signal) }
    catch (e) {
      if (await this.again(f, e)) return
      state = store.state
    }
    if (store.coming[0] === f) store.coming.shift()
    store.take(state)
    this.session.watch()
  }
  async again(f, e) {  // whether a file that could not be sent shall be sent again
    const {messages} = this
    if (e.name === 'AbortError') return false
    if (e.status === 404) { await this.session.lost(); return true }
    if (!(e instanceof Stop) || e.status !== 0) { messages.trouble(e.message, f.name); return false }
    if (!await readable(f)) { messages.trouble(english('said.unreadable'), f.name); return false }
    messages.trouble(e.message)  // the connection is lost
    await sleep(AGAIN)
    return true
  }
  stop() {
    this.running?.abort()
    this.store.coming.length = 0
  }
  async startOver() {
    this.stop()
    this.messages.said = []
    this.history.clear()
    await this.session.act(this.engine.clear())
    $('#files').focus()
  }
  async example(name) { if (await this.session.act(this.engine.example(name))) this.session.watch() }

  async dropped(data, onPhoto) {
    const files = [...data.files]  // both lists are empty after this turn of the event loop
    const items = [...data.items ?? []].filter(i => i.kind === 'file').map(i => i.webkitGetAsEntry?.()).filter(Boolean)
    if (onPhoto && files.length === 1 && !items.some(i => i.isDirectory) && this.aside(files[0])) return
    this.add(items.some(i => i.isDirectory) ? (await Promise.all(items.map(walk))).flat() : files)
  }
  hover(n) {
    this.over = Math.max(0, n)
    $('#fall').hidden = !this.over
  }
  dropping() {
    const carrying = (type, f) => addEventListener(type, e => { if ([...e.dataTransfer?.types ?? []].includes('Files')) f(e) })
    carrying('dragenter', () => this.hover(this.over+1))
    carrying('dragleave', () => this.hover(this.over-1))
    carrying('dragover', e => e.preventDefault())
    carrying('drop', e => { e.preventDefault(); this.hover(0); this.dropped(e.dataTransfer, e.target.closest?.('#stage')) })
    addEventListener('paste', e => { if (e.clipboardData?.files.length) { e.preventDefault(); this.add([...e.clipboardData.files]) } })
  }
  buttons() {
    $('#files').addEventListener('change', e => { this.add([...e.target.files]); e.target.value = '' })
    $('#more').onclick = () => $('#files').click()
    for (const b of document.querySelectorAll('[data-example]')) b.onclick = () => this.example(b.dataset.example)
    $('#over').onclick = () => $('#sure').showModal()
    $('#sure').addEventListener('close', () => { if ($('#sure').returnValue === 'yes') this.startOver() })
  }
}
