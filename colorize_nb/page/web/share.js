// Results go to other apps, where the browser can hand them files: it only does so right after a press, so they are made first.

import {$} from './common.js'
import {canRecord, clipOf} from './clip.js'
import {put} from './words.js'

const BUTTONS = {'#share-photo': 'file', '#share-pair': 'pair', ...canRecord && {'#share-clip': 'clip'}}

export class Share {
  constructor(engine, store, history, session) {
    Object.assign(this, {engine, store, history, session, files: {}, turn: null})
    const trial = new File([''], 'photo.jpg', {type: 'image/jpeg'})
    $('#give').hidden = !engine.file || !navigator.canShare?.({files: [trial]})
    $('#give').onclick = () => this.open()
    $('#share-clip').hidden = !canRecord
    $('#sharing').addEventListener('close', () => { this.turn?.abort(); this.turn = null; this.files = {} })
    for (const [button, what] of Object.entries(BUTTONS)) $(button).onclick = () => this.give(what)
  }
  async open() {
    const turn = this.turn = new AbortController(), photo = this.store.photo, ask = this.history.ask(photo.id)
    for (const button of Object.keys(BUTTONS)) $(button).disabled = true
    put($('#sharing p'), 'making')
    $('#sharing p').hidden = false
    $('#sharing').showModal()
    try {
      await this.engine.finish(photo.id, ask)
      for (const [button, what] of Object.entries(BUTTONS)) {
        const file = what === 'clip' ? await clipOf(this.engine, photo, ask, turn.signal) : await this.engine.file(photo.id, what)
        if (turn !== this.turn) return
        this.files[what] = file
        $(button).disabled = !navigator.canShare({files: [file]})  // no app takes a TIFF
      }
      $('#sharing p').hidden = true
      this.store.take(await this.engine.state())
    } catch (e) {
      if (turn !== this.turn) return  // it was closed meanwhile
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
