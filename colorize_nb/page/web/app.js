// The parts of the page, put together. Each has its own file and its own state; what they share is in the store.

import {engine} from './engine.js'
import {$, element, sleep} from './common.js'
import {LANGUAGES, dress, english, put, say, speak, spoken, told} from './words.js'
import {Store} from './store.js'
import {History} from './history.js'
import {Messages} from './messages.js'
import {Session} from './session.js'
import {View} from './view.js'
import {Strip} from './strip.js'
import {Picker} from './picker.js'
import {Preview} from './preview.js'
import {Controls} from './controls.js'
import {Help} from './help.js'
import {Uploads} from './uploads.js'
import {Removals} from './removals.js'
import {Results} from './results.js'
import {Pictures} from './pictures.js'
import {Share} from './share.js'
import {Clip} from './clip.js'

const store = new Store(), view = new View(), picker = new Picker()
store.addEventListener('draw', layout)
const history = new History(store), messages = new Messages(store), session = new Session(engine, store, history, messages)
const preview = new Preview(engine, store, history, view, session)
const controls = new Controls(engine, store, history, view, picker, preview, messages)
new Help(store, history, picker, preview, controls)
const uploads = new Uploads(engine, store, history, session, messages)
const removals = new Removals(engine, store, session, messages)
const strip = new Strip(engine, id => store.open(id), id => removals.remove(id), () => store.draw())
const results = new Results(engine, store, history, session, messages, uploads, removals)
new Pictures(engine, store, history, session, messages, controls, uploads)
new Share(engine, store, history, session)
new Clip(engine, store, history, messages, results)
store.addEventListener('draw', () => strip.draw(store.state.photos, store.at, store.coming.map(f => f.name)))

function layout() {
  const has = store.state.photos.length || store.coming.length
  document.body.classList.toggle('empty', !has)
  $('#start').hidden = has
  $('#work').hidden = !has
  $('#many').hidden = store.ready.length < 2
  const foot = has ? $('#panel') : $('header'), languages = $('#languages')
  if (languages.parentNode !== foot) foot.append(languages)
  if (!store.photo) view.wait(has ? 'wait.opening' : '')
}

store.addEventListener('open', async ({detail: {id}}) => {
  preview.open()
  controls.open()
  store.draw()
  strip.follow(id)
  preview.showBefore(id)
  await preview.request()
  if (store.at === id) controls.suggest(id)
})

function describe({kinds, limits, local, more}) {
  $('#kinds').textContent = say('start.kinds', {kinds: told(kinds), photos: limits.photos, megapixels: Math.round(limits.pixels/1e6)})
  if (!local) put($('#promise span'), 'promise.there')
  $('#beyond').textContent = told(more ?? '')
}

dress()
const languages = Object.entries(LANGUAGES).map(([value, textContent]) => element('option', {value, textContent, lang: value}))
$('#language').replaceChildren(...languages)
$('#language').value = spoken()
$('#language').addEventListener('change', e => {
  speak(e.target.value)
  if (store.settings) describe(store.settings)
  store.draw()
})

async function begin(token) {
  try { store.take(await engine.begin(token)) }
  catch (e) {
    if (e.status !== 401) {
      session.failed(e)
      await sleep(2000)
      return begin(token)
    }
    if (token) messages.trouble(english('said.token'))
    return $('#door').showModal()
  }
  controls.begin(store.settings)
  uploads.begin(store.settings)
  describe(store.settings)
  store.draw()
  document.body.dataset.ready = ''
  session.watch()
  session.live()
}
$('#door').addEventListener('close', () => begin($('#token').value))
begin()
