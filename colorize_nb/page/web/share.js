// Results go to other apps, where the browser can hand them files: it only does so right after a press, so they are made first.

import {$} from './common.js'
import {put} from './words.js'

const BUTTONS = {'#share-photo': 'file', '#share-pair': 'pair'}

export class Share {
  constructor(engine, store, history, session) {
    Object.assign(this, {engine, store, history, session, files: {}, turn: null})
    const trial = new File([''], 'photo.jpg', {type: 'image/jpeg'})
    $('#give').hidden = !engine.file || !navigator.canShare?.({files: [trial]})
    $('#give').onclick = () => this.open()
    $('#sharing').addEventListener('close', () => { this.turn = null; this.files = {} })
    for (const [button, what] of Object.entries(BUTTONS)) $(button).onclick = () => this.give(what)
  }
  async open() {
    const turn = this.turn = {}, id = this.store.at
    for (const button of Object.keys(BUTTONS)) $(button).disabled = true
    put($('#sharing p'), 'making')
    $('#sharing p').hidden = false
    $('#sharing').showModal()
    try {
      await this.engine.finish(id, this.history.ask(id))
      for (const [button, what] of Object.entries(BUTTONS)) {
        const file = await this.engine.file(id, what)
        if (turn !== this.turn) return
        this.files[what] = file
        $(button).disabled = !navigator.canShare({files: [file]})  // no app takes a TIFF
      }
      $('#sharing p').hidden = true
      this.store.take(await this.engine.state())
    } catch (e) {
      $('#sharing').close()
      this.session.failed(e)
    }
  }
  async give(what) {
    try { await navigator.share({files: [this.files[what]]}) }
    catch (e) {
      if (e.name === 'AbortError') return  // no app was chosen
      this.session.failed(e)
    }
    $('#sharing').close()
  }
}
