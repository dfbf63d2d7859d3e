// What is on view, what was asked for, and what comes next. The engine colours, the view shows.

import {engine, Stop} from './engine.js'
import {View} from './view.js'
import {Strip} from './strip.js'
import {Picker} from './picker.js'

const $ = s => document.querySelector(s), sleep = ms => new Promise(r => setTimeout(r, ms))
const PLAIN = {strength: 1, vivid: 0, variant: 0, points: []}
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b)
const plural = (n, s) => `${n} ${s}${n === 1 ? '' : 's'}`

let state = {photos: [], refused: [], progress: null}, at = null
const coming = []  // files that are not with the engine yet
const asks = new Map(), pasts = new Map(), futures = new Map()
const settled = new Map()  // what undo goes back to while a slider still moves
const view = new View(), picker = new Picker(), strip = new Strip(engine, open, remove)
const photo = () => state.photos.find(p => p.id === at)
const ask = () => asks.get(at) ?? PLAIN

function remember(id) { try { sessionStorage.setItem('at', id) } catch { /* a frame of a notebook may not */ } }
function remembered() { try { return sessionStorage.getItem('at') } catch { return null } }

// ---- what is said

const said = []  // of this page; the engine's own are in state.refused
function trouble(text) { if (!said.includes(text)) said.push(text); draw() }
function tell(text) { $('#live').textContent = text }
function drawTrouble() {
  const lines = [...state.refused.map(r => `${r.name}: ${r.why}`), ...said], box = $('#trouble')
  box.hidden = !lines.length
  if (box.hidden || box.dataset.lines === lines.join('\n')) return
  box.dataset.lines = lines.join('\n')
  const ul = document.createElement('ul'), b = Object.assign(document.createElement('button'), {type: 'button', textContent: 'Close'})
  ul.append(...lines.map(t => Object.assign(document.createElement('li'), {textContent: t})))
  b.onclick = () => { said.length = 0; delete box.dataset.lines; box.hidden = true; if (state.refused.length) act(engine.read()) }
  box.replaceChildren(ul, b)
}
function time(s) { return s < 1 ? 'nearly done' : s < 100 ? `about ${Math.max(1, Math.round(s))} s left` : `about ${Math.round(s/60)} min left` }

let batch = null  // files that were dropped together, and since when
function progress() {
  const p = state.progress, waiting = coming.length
  if (!p && !waiting) { batch = null; return null }
  if (p?.what === 'load') return {...p, text: `Loading ${Math.round(p.done/1e6)} of ${Math.round(p.total/1e6)} MB`}
  if (p?.what === 'make' && !waiting) return {...p, text: `${Math.min(p.done+1, p.total)} of ${p.total}${p.left == null ? '' : `, ${time(p.left)}`}`}
  const ready = state.photos.filter(f => f.size).length+state.refused.length
  batch ??= {since: performance.now(), ready}
  const open = state.photos.filter(f => !f.size).length, done = Math.max(0, ready-batch.ready), total = done+open+waiting
  const left = done ? (performance.now()-batch.since)/1000/done*(total-done) : null
  return {done, total, before: p?.before, text: `${Math.min(done+1, total)} of ${total}${left == null ? '' : `, ${time(left)}`}`}
}
function drawProgress() {
  const p = progress(), plain = 'Colour for old photos'
  $('#progress').hidden = !p
  document.title = p ? `${p.text} – ${plain}` : photo() ? `${photo().name} – ${plain}` : plain
  if (!p) return
  $('#stop').hidden = p.what === 'load'
  $('#bar').value = p.total ? p.done/p.total : 0
  $('#far').textContent = p.text+(p.before ? ` (after ${plural(p.before, 'other')})` : '')
}

// ---- what is on view

function draw() {
  const has = state.photos.length || coming.length, p = photo()
  document.body.classList.toggle('empty', !has)
  $('#start').hidden = has; $('#work').hidden = !has
  drawTrouble(); drawProgress()
  strip.draw(state.photos, at, coming.map(f => f.name))
  const ready = state.photos.filter(f => f.size)
  $('#many').hidden = ready.length < 2
  for (const id of ['undo', 'redo', 'out', 'fit', 'in', 'hold', 'unsure', 'pair', 'download', 'vivid', 'strength']) $(`#${id}`).disabled = !p
  if (!p) { view.wait(has ? 'Opening…' : ''); return }
  const a = ask(), i = ready.indexOf(p)
  drawModel(a)
  $('#undo').disabled = !pasts.get(at)?.length; $('#redo').disabled = !futures.get(at)?.length
  $('#vivid').value = a.vivid; $('#vivid').setAttribute('aria-valuetext', a.vivid ? `${Math.round(100*a.vivid)} % vivid` : 'natural')
  $('#strength').value = a.strength; $('#much').value = `${Math.round(100*a.strength)} %`; $('#strength').setAttribute('aria-valuetext', $('#much').value)
  for (const b of $('#ways').children) b.setAttribute('aria-pressed', +b.dataset.k === a.variant)
  view.mark(a.points, picker.open ? picker.point : null)
  picker.draw(picker.open ? a.points[picker.point] : null)
  $('#hint').hidden = a.points.length > 0
  $('#list').replaceChildren(...a.points.map((q, n) => {
    const li = document.createElement('li'), b = Object.assign(document.createElement('button'), {type: 'button', textContent: `${n+1}`})
    b.style.setProperty('--c', q.color); b.setAttribute('aria-label', `Change colour ${n+1}, ${q.color}`)
    b.onclick = () => choose(n)
    li.append(b)
    return li
  }))
  $('#carry').hidden = !a.points.length || i >= ready.length-1; $('#none').hidden = !a.points.length
  drawNote()
}
function drawModel(a) {  // where there is more than one; what only ours can is hidden
  const all = state.models ?? [], name = a.model ?? 'default', m = all.find(o => o.name === name), ours = name === 'default'
  $('#who').hidden = all.length < 2
  const names = all.map(o => o.name)
  if (!same([...$('#model').options].map(o => o.value), names)) $('#model').replaceChildren(...names.map(n => new Option(n, n)))  // without its value, spaces would go
  $('#model').value = name
  $('#suggested').hidden = $('#unsure').hidden = !ours
  $('#bold').hidden = m?.vivid === false
  if (!ours && shading) $('#unsure').click()
}
let notes = []
function drawNote() {
  const p = photo(), b = document.createElement('b')
  b.textContent = p.name.split('/').pop()
  const care = Object.assign(document.createElement('span'), {className: 'care', textContent: notes.join(' ')})
  $('#note').replaceChildren(b, ` · ${p.size[0]} × ${p.size[1]} pixels`, ...(p.failed ? [` · no result: ${p.failed}`] : notes.length ? [' · ', care] : []))
}

function take(s) {  // a new state from the engine
  state = s
  for (const p of s.photos) if (!asks.has(p.id)) { asks.set(p.id, p.ask); settled.set(p.id, p.ask) }
  const ready = s.photos.filter(p => p.size)
  if (!ready.some(p => p.id === at)) {
    const kept = remembered()
    at = null
    if (ready.length) open(ready.some(p => p.id === kept) ? kept : ready[0].id)
  }
  draw()
}
async function act(promise) {  // something that gives a state
  try { take(await promise); return true }
  catch (e) { return failed(e) }
}
function failed(e) {
  if (e.name === 'AbortError') return false
  if (e instanceof Stop && e.status === 404 && /session/.test(e.message)) { lost(); return false }
  if (!(e instanceof Stop)) console.error(e)
  trouble(e.message)
  return false
}
async function lost() {
  asks.clear(); pasts.clear(); futures.clear(); at = null
  const had = state.photos.length
  state = await engine.begin().catch(() => state)
  take(state)
  if (had) trouble('The session is over, and its photos are deleted. Drop them again.')
}

async function open(id) {
  const fresh = id !== at
  picker.shut(false)
  at = id
  remember(id)
  if (!fresh) return draw()
  const p = photo()
  notes = []; view.aim = null
  view.open(p.size)
  $('#ways').replaceChildren()
  draw(); strip.follow(id)
  engine.before(id).then(b => { if (at === id) view.show('before', b) }).catch(failed)
  await look()
  if (at === id) suggest(id)
}

// ---- looking: one request at a time, and always the newest settings

let looking = false, wanted = null
async function look() {
  wanted = {id: at, ask: ask()}
  if (looking) return
  looking = true
  while (wanted) {
    const {id, ask: a} = wanted
    wanted = null
    const timer = setTimeout(() => { if (at === id) view.wait('Colouring…') }, 500)
    try {
      const r = await engine.look(id, a)
      if (at === id) {
        await view.show('after', r.blob)
        notes = r.notes; const p = photo(); if (p) { p.looks++; p.made = false; strip.draw(state.photos, at, coming.map(f => f.name)); drawNote() }
        sharpAfter()
        if (shading && !wanted) shade()
        $('#stage').dataset.looks = +($('#stage').dataset.looks ?? 0)+1
      }
    } catch (e) { failed(e) }
    clearTimeout(timer); view.wait('')
  }
  looking = false
}

async function suggest(id) {
  let found
  try { found = await engine.variants(id) } catch (e) { return failed(e) }
  if (at !== id) return
  $('#ways').replaceChildren(...found.map((src, k) => {
    const b = Object.assign(document.createElement('button'), {type: 'button'}), img = document.createElement('img'), s = document.createElement('span')
    s.textContent = k ? `${k}` : 'Plain'; img.alt = ''
    Promise.resolve(src).then(s => { img.src = s }, failed)
    b.dataset.k = k; b.setAttribute('aria-label', k ? `Suggestion ${k}` : 'Plain, as the network paints it'); b.append(img, s)
    b.onclick = () => set({variant: k})
    return b
  }))
  draw()
}

// ---- settings, and the way back

function set(change, done = true) {
  const was = ask(), now = {...was, ...change}
  if (done && !same(kept(), now)) {
    const past = pasts.get(at) ?? pasts.set(at, []).get(at)
    past.push(kept()); if (past.length > 100) past.shift()
    futures.set(at, [])
    settled.set(at, now)
  }
  asks.set(at, now)
  draw()
  if (!same(was, now)) look()
}
function kept() { return settled.get(at) ?? PLAIN }
function step(from, to) {
  const f = from.get(at)
  if (!f?.length) return
  const back = to.get(at) ?? to.set(at, []).get(at)
  back.push(kept())
  const now = f.pop()
  settled.set(at, now); asks.set(at, now)
  picker.shut(false); draw(); look()
}
const undo = () => step(pasts, futures), redo = () => step(futures, pasts)

// ---- colours of spots

function choose(i) {
  const p = ask().points[i]
  if (!p) return
  spot(p, i)
}
let asked = null  // colours that may be wanted in a moment
function likely(p, i) {
  const others = {...ask(), points: ask().points.filter((_, n) => n !== i)}, key = JSON.stringify([at, others, p])
  if (asked?.key !== key) { asked = {key, found: engine.likely(at, others, p.x, p.y)}; asked.found.catch(() => { asked = null }) }
  return asked.found
}
function spot(p, i = null) {
  picker.point = i; picker.spot = p
  view.target(p)
  picker.ask(view.at(p), likely(p, i), {color: i === null ? null : ask().points[i].color, there: painted(p)})
  draw()
}
function painted(p) {  // the colour that the preview shows there
  const img = $('#after .whole'), c = document.createElement('canvas'), [w, h] = photo().size
  if (!img.naturalWidth) return null
  c.width = c.height = 1
  const g = c.getContext('2d')
  g.drawImage(img, Math.floor(p.x*img.naturalWidth/w), Math.floor(p.y*img.naturalHeight/h), 1, 1, 0, 0, 1, 1)
  return '#'+[...g.getImageData(0, 0, 1, 1).data].slice(0, 3).map(v => v.toString(16).padStart(2, '0')).join('')
}
picker.addEventListener('color', ({detail: {color, done}}) => {
  const points = [...ask().points], {x, y} = picker.spot
  if (picker.point === null) { picker.point = points.length; points.push({x, y, color}) }
  else points[picker.point] = {...points[picker.point], color}
  set({points}, done)
})
picker.addEventListener('reach', ({detail: {reach, done}}) => {
  if (picker.point !== null) set({points: ask().points.map((p, n) => n === picker.point ? {...p, reach} : p)}, done)
})
picker.addEventListener('unset', () => { if (picker.point !== null) set({points: ask().points.filter((_, n) => n !== picker.point)}) })
picker.addEventListener('shut', () => { picker.point = null; view.target(null); if (photo()) { if (!same(kept(), ask())) set({}); draw() } })
view.addEventListener('soon', e => likely(e.detail, null))
view.addEventListener('spot', e => spot(e.detail))
view.addEventListener('point', e => choose(e.detail.i))
view.addEventListener('move', ({detail: {i, x, y, done}}) => { picker.shut(false); set({points: ask().points.map((p, n) => n === i ? {...p, x, y} : p)}, done) })
view.addEventListener('drop', ({detail: {i}}) => { set({points: ask().points.filter((_, n) => n !== i)}); $('#stage').focus() })
$('#none').onclick = () => set({points: []})
$('#carry').onclick = () => {
  const ready = state.photos.filter(p => p.size), from = photo(), to = ready[ready.indexOf(from)+1]
  const points = ask().points.map(p => ({...p, x: Math.min(to.size[0]-1, Math.round(p.x*to.size[0]/from.size[0])), y: Math.min(to.size[1]-1, Math.round(p.y*to.size[1]/from.size[1]))}))
  open(to.id); set({points})
  tell(`${plural(points.length, 'colour')} taken to ${to.name}`)
}

// ---- zoom: the pixels of the full size, as soon as the preview has too few

let sharp = null, late = 0
view.addEventListener('zoom', () => {
  $('#fit').textContent = view.fitted ? 'Fit' : `${Math.round(view.scale*devicePixelRatio*100)} %`
  picker.shut(false)
  clearTimeout(late); late = setTimeout(sharpBoth, 150)
})
function region() {  // what to ask for, or null where the preview is good enough
  const p = photo(), img = $('#after .whole')
  if (!p || !img.naturalWidth || view.scale*devicePixelRatio < 1.15*img.naturalWidth/p.size[0] || img.naturalWidth >= p.size[0]) return null
  const box = view.box
  return {box, width: Math.max(1, Math.min(box[2], Math.round(box[2]*view.scale*devicePixelRatio)))}
}
async function sharpBoth() {
  const r = region()
  sharp?.abort(); sharp = null
  if (!r) { view.sharpen('before'); view.sharpen('after'); return }
  await sharpOne(['after', 'before'], r)
}
function sharpAfter() { if (region()) { view.sharpen('after'); sharpBoth() } else view.sharpen('after') }
async function sharpOne(sides, {box, width}) {
  const id = at, mine = sharp = new AbortController(), timer = setTimeout(() => { if (!mine.signal.aborted) view.wait('Fetching the full size…') }, 400)
  try {
    for (const side of sides) {
      const blob = await engine.crop(id, ask(), side, box, width, mine.signal)
      if (at === id && !mine.signal.aborted) await view.sharpen(side, blob, box)
    }
  } catch (e) { failed(e) }
  clearTimeout(timer)
  if (sharp === mine) { view.wait(''); $('#stage').dataset.sharp = box.join() }
}
$('#in').onclick = () => view.zoom(view.scale*1.5)
$('#out').onclick = () => view.zoom(view.scale/1.5)
$('#fit').onclick = () => view.toggle(view.stage.clientWidth/2, view.stage.clientHeight/2)

let shading = false
async function shade() {
  const id = at, a = ask()
  try { const b = await engine.doubt(id, a); if (shading && at === id) view.shade(b) } catch (e) { failed(e) }
}
$('#unsure').onclick = () => {
  shading = !shading
  $('#unsure').setAttribute('aria-pressed', shading)
  if (shading) { shade(); tell('Shaded where the colours are unsure') } else view.shade(null)
}
const hold = on => { view.hold(on); $('#hold').setAttribute('aria-pressed', on) }
$('#hold').setAttribute('aria-pressed', false)
$('#hold').addEventListener('pointerdown', e => { $('#hold').setPointerCapture(e.pointerId); hold(true) })
for (const t of ['pointerup', 'pointercancel', 'blur']) $('#hold').addEventListener(t, () => hold(false))
$('#hold').addEventListener('keydown', e => { if (e.key === ' ' || e.key === 'Enter') { e.preventDefault(); hold(true) } })
$('#hold').addEventListener('keyup', () => hold(false))
$('#hold').addEventListener('contextmenu', e => e.preventDefault())

for (const id of ['vivid', 'strength']) {
  $(`#${id}`).addEventListener('input', e => set({[id]: +e.target.value}, false))
  $(`#${id}`).addEventListener('change', e => set({[id]: +e.target.value}))
}
$('#model').onchange = e => set({model: e.target.value, variant: 0, vivid: 0})
$('#undo').onclick = undo; $('#redo').onclick = redo

document.addEventListener('keydown', e => {
  const typing = e.target.matches('input:not([type=range]), textarea') || document.querySelector('dialog[open]')
  if (typing || !photo()) return
  const k = e.key.toLowerCase(), mod = e.ctrlKey || e.metaKey
  if (mod && k === 'z') { e.preventDefault(); e.shiftKey ? redo() : undo() }
  else if (mod && k === 'y') { e.preventDefault(); redo() }
  else if (mod || e.altKey || e.target.matches('select')) return  // there, letters look for a name
  else if (k === 'g') { if (!e.repeat) hold(true) }
  else if (k === 'u') { if (!$('#unsure').hidden) $('#unsure').click() }
  else if (k === '+' || k === '=') view.zoom(view.scale*1.5)
  else if (k === '-') view.zoom(view.scale/1.5)
  else if (k === '0') view.fit()
  else if (k === '1') view.zoom(view.one)
})
document.addEventListener('keyup', e => { if (e.key.toLowerCase() === 'g') hold(false) })

// ---- keeping

async function busy(button, words, f) {
  const svg = button.querySelector('svg'), text = button.textContent
  button.disabled = true; button.replaceChildren(words)
  const id = setInterval(async () => {  // somebody else's photo may come first
    try { const s = await engine.state(); button.textContent = s.before ? `After ${plural(s.before, 'other')}` : words } catch { /* the call itself will say so */ }
  }, 1500)
  try { await f() } catch (e) { failed(e) }
  clearInterval(id)
  button.replaceChildren(svg, text); button.disabled = false
}
const keep = (button, what) => busy(button, 'Making it…', async () => {
  const id = at, r = await engine.finish(id, ask())
  await engine.save(id, what)
  tell(`${r.name} is ready`)
  take(await engine.state())
})
$('#download').onclick = e => keep(e.currentTarget, 'file')
$('#pair').onclick = e => keep(e.currentTarget, 'pair')
$('#all').onclick = e => busy(e.currentTarget, 'Making them…', async () => {
  take(await engine.make())
  while (state.progress) { await sleep(400); take(await engine.state()) }
  if (state.photos.some(p => p.failed)) trouble(state.photos.filter(p => p.failed).map(p => `${p.name}: ${p.failed}`).join('; '))
  const late = state.photos.filter(p => p.size && !p.made && !p.failed)
  if (late.length) trouble(`not in the zip, because not made as shown: ${late.map(p => p.name).join('; ')}`)
  if (state.photos.some(p => p.made)) await engine.save('zip')
})
$('#same').onclick = async () => {
  const {strength, vivid, model} = ask(), mine = model && {model}
  for (const p of state.photos) if (p.size && p.id !== at) {
    const was = asks.get(p.id)
    const now = {...was, strength, vivid, ...mine, variant: (model ?? 'default') === 'default' ? was.variant : 0}
    if (same(was, now)) continue
    pasts.set(p.id, [...pasts.get(p.id) ?? [], was]); asks.set(p.id, now); settled.set(p.id, asks.get(p.id))
  }
  await act(engine.all({strength, vivid, ...mine}))
  tell('These settings are used for all photos')
  watch()
}
$('#stop').onclick = () => { upload?.abort(); coming.length = 0; act(engine.stop()) }

// ---- adding and removing

let upload = null
async function add(files) {
  const l = state.limits
  for (const f of files) {
    if (l && f.size > l.upload) trouble(`${f.name}: more than ${Math.round(l.upload/1e6)} MB`)
    else coming.push(f)
  }
  draw()
  if (upload) return
  upload = new AbortController()
  while (coming.length && !upload.signal.aborted) {
    const f = coming[0]
    try { state = await engine.add(f, upload.signal) }
    catch (e) {
      if (e instanceof Stop && e.status === 0) {  // the connection is lost: try again when it is back
        if (await readable(f)) { trouble(e.message); await sleep(1500); continue }
        trouble(`${f.name}: cannot be read`)
      }
      else if (e.name !== 'AbortError' && e.status === 404) { await lost(); continue }
      else if (e.name !== 'AbortError') trouble(`${f.name}: ${e.message}`)
    }
    if (coming[0] === f) coming.shift()
    take(state)
    watch()
  }
  upload = null
  draw()
}
const readable = f => f.slice(0, 1).arrayBuffer().then(() => true, () => false)  // a folder, or a file that is gone, is not
async function remove(id) {
  const all = state.photos.filter(p => p.size), i = all.findIndex(p => p.id === id)
  if (id === at) { picker.shut(false); const next = all[i+1] ?? all[i-1]; if (next) open(next.id) }
  const name = state.photos.find(p => p.id === id)?.name
  await act(engine.remove(id))
  asks.delete(id)
  tell(`${name} is removed`)
  document.querySelector('#strip [aria-current]')?.focus()
}
async function walk(item) {  // a dropped file, or a folder with files
  if (item.isFile) return [await new Promise((ok, no) => item.file(ok, no))]
  const reader = item.createReader(), found = []
  for (;;) {
    const some = await new Promise((ok, no) => reader.readEntries(ok, no))
    if (!some.length) break
    for (const e of some) if (!e.name.startsWith('.')) found.push(...await walk(e))
  }
  return found
}
async function dropped(data) {
  const items = [...data.items ?? []].filter(i => i.kind === 'file').map(i => i.webkitGetAsEntry?.()).filter(Boolean)
  const files = [...data.files]
  add(items.some(i => i.isDirectory) ? (await Promise.all(items.map(walk))).flat() : files)
}
let over = 0
const carries = e => [...e.dataTransfer?.types ?? []].includes('Files')
addEventListener('dragenter', e => { if (carries(e)) { over++; $('#fall').hidden = false } })
addEventListener('dragleave', e => { if (carries(e) && --over <= 0) { over = 0; $('#fall').hidden = true } })
addEventListener('dragover', e => { if (carries(e)) e.preventDefault() })
addEventListener('drop', e => { if (!carries(e)) return; e.preventDefault(); over = 0; $('#fall').hidden = true; dropped(e.dataTransfer) })
addEventListener('paste', e => { if (e.clipboardData?.files.length) { e.preventDefault(); add([...e.clipboardData.files]) } })
$('#files').addEventListener('change', e => { add([...e.target.files]); e.target.value = '' })
$('#more').onclick = () => $('#files').click()
for (const b of document.querySelectorAll('[data-example]')) b.onclick = async () => { if (await act(engine.example(b.dataset.example))) watch() }
$('#over').onclick = () => $('#sure').showModal()
$('#sure').addEventListener('close', async () => {
  if ($('#sure').returnValue !== 'yes') return
  upload?.abort(); coming.length = 0; said.length = 0
  asks.clear(); pasts.clear(); futures.clear(); settled.clear()
  await act(engine.clear())
  $('#files').focus()
})

// ---- time

let watching = false
async function watch() {  // while something is in work
  if (watching) return
  watching = true
  while (state.progress || state.photos.some(p => !p.size)) {
    await sleep(350)
    try { take(await engine.state()) } catch (e) { failed(e); if (!(e.status === 0)) break; await sleep(1500) }
  }
  watching = false
  draw()
}
async function live() {  // signs of life keep the session
  for (;;) {
    await sleep(25_000)
    if (watching) continue
    try { take(await engine.state()); const i = said.findIndex(t => t.startsWith('The server does not answer')); if (i >= 0) { said.splice(i, 1); draw() } }
    catch (e) { failed(e) }
  }
}
async function begin(token) {
  try { take(await engine.begin(token)) }
  catch (e) {
    if (e.status === 401) { if (token) trouble('This is not the token.'); $('#door').showModal(); return }
    failed(e); await sleep(2000); return begin(token)
  }
  const l = state.limits
  $('#kinds').textContent = `or paste them. ${engine.kinds}; up to ${l.photos} photos of ${Math.round(l.pixels/1e6)} megapixels.`
  if (!state.local) $('#promise').firstChild.textContent = $('#promise').textContent.replace('Everything stays on this computer.', 'Your photos go to the computer that runs this page and nowhere else.')
  if (engine.more) $('#promise').append(` ${engine.more}`)
  document.body.dataset.ready = ''
  watch(); live()
}
$('#door').addEventListener('close', () => begin($('#token').value))
begin()
