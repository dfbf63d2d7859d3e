// A second picture of the same scene, such as an edited copy or a coloured print: the photo on view can take its colours. Chosen here, or dropped on the photo.

import {$} from './common.js'
import {refusal} from './films.js'
import {put, say} from './words.js'

const how = () => say(matchMedia('(hover:none)').matches ? 'picture.how' : 'picture.how.drop')

function said({name, taken, few}) {
  const share = Math.round(100*taken)
  return say(few ? 'picture.few' : share < 100 ? 'picture.taken' : 'picture.whole', {share, name})
}

export class Pictures {
  constructor(engine, store, history, session, messages, controls, uploads) {
    Object.assign(this, {engine, store, history, session, messages, controls})
    this.looking = null  // {id, name}: the photo that is looked for in a picture, and the picture's name
    this.dropped = null  // a file that waits for an answer
    uploads.aside = f => this.ask(f)
    store.addEventListener('draw', () => this.draw())
    $('#take').onclick = () => $('#picture').click()
    $('#picture').addEventListener('change', e => { const [f] = e.target.files; e.target.value = ''; if (f) this.take(f) })
    $('#untake').onclick = () => { controls.set({picture: ''}); $('#take').focus() }
    $('#which').addEventListener('close', () => this.answer($('#which').returnValue, uploads))
  }
  get kinds() { return this.store.settings.accept.filter(s => s !== '.zip') }
  ask(f) {  // whether it is a picture that the photo on view may take its colours from; then ask what it is
    const suffix = f.name.replace(/^.*\./, '.').toLowerCase(), picture = f.type.startsWith('image/') || this.kinds.includes(suffix)
    if (!this.store.settings?.pictures || !this.store.photo || !picture) return false
    this.dropped = f
    put($('#dropped'), 'which.if', {name: f.name})
    $('#which').returnValue = ''
    $('#which').showModal()
    return true
  }
  answer(what, uploads) {
    if (what === 'photo') uploads.add([this.dropped])
    if (what === 'picture') this.take(this.dropped)
    this.dropped = null
  }
  async take(f) {
    const {store} = this, id = store.at, why = await refusal(f, store.settings)
    if (why) return this.messages.trouble(why, f.name)
    this.looking = {id, name: f.name}
    this.controls.view.wait('picture.wait')
    store.draw()
    try { await this.use(id, await this.engine.picture(id, f)) }
    catch (e) { this.failed(f, e) }
    this.looking = null
    this.controls.view.wait('')
    store.draw()
  }
  async use(id, picture) {
    const {store, history} = this, change = {picture: picture.id, variant: 0}
    store.take(await this.engine.state())
    this.messages.tell(said(picture))
    if (store.at === id) return this.controls.set(change)
    if (history.change(id, change)) await this.engine.preview(id, history.ask(id))  // the visitor has gone on to another photo
  }
  failed(f, e) {
    if (!e.status || e.status === 404) return this.session.failed(e)  // no server, or no session
    this.messages.trouble(e.message, f.name)
  }
  draw() {
    const {photo, settings} = this.store, here = this.looking?.id === this.store.at
    $('#from').hidden = !settings?.pictures
    if (!settings?.pictures || !photo) return
    const picture = photo.pictures.find(p => p.id === this.history.ask().picture)
    $('#picture').accept = this.kinds.join()
    $('#share').textContent = here ? say('picture.looking', {name: this.looking.name}) : picture ? said(picture) : how()
    $('#share').classList.toggle('care', !!picture?.few)
    $('#take').disabled = !!this.looking
    $('#take').textContent = say(picture ? 'picture.other' : 'picture.take')
    $('#untake').hidden = !picture
  }
}
