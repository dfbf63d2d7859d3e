// The film strip: every photo with its state, and what is still on its way.

import {$} from './common.js'
import {say, told} from './words.js'

export class Strip {
  constructor(engine, pick, remove, arrived) {  // arrived: called when a photo's first thumbnail is there
    Object.assign(this, {engine, pick, remove, arrived, rows: new Map(), thumbs: new Map()})
    $('#strip').addEventListener('keydown', e => {
      const d = {ArrowLeft: -1, ArrowRight: 1}[e.key], all = [...document.querySelectorAll('#strip .pick')], i = all.indexOf(document.activeElement)
      if (d && i >= 0) { e.preventDefault(); all[Math.min(Math.max(i+d, 0), all.length-1)].focus() }
      if (e.key === 'Delete' && i >= 0) { e.preventDefault(); const id = e.target.closest('li').dataset.id; if (id) this.remove(id) }
    })
  }
  row(id) {
    const li = document.createElement('li'), pick = document.createElement('button'), img = document.createElement('img')
    pick.type = 'button'; pick.className = 'pick'; img.alt = ''; img.hidden = true
    img.addEventListener('load', this.arrived, {once: true})
    const name = document.createElement('small'), sign = document.createElement('span'), gone = document.createElement('button')
    sign.className = 'sign'; gone.type = 'button'; gone.className = 'gone'
    gone.innerHTML = '<svg><use href="#i-cross"/></svg>'
    li.dataset.id = id
    pick.append(img); li.append(pick, sign, name, gone)
    pick.onclick = () => this.pick(id)
    gone.onclick = () => this.remove(id)
    $('#strip').append(li)
    return {li, pick, img, name, sign, gone, previews: 0}
  }
  draw(photos, at, coming) {  // coming: names of files that are not with the engine yet
    const all = [...photos, ...coming.map((name, i) => ({id: `coming-${i}`, name, coming: true}))]
    $('#film').hidden = all.length < 2
    for (const [id, r] of this.rows) if (!all.some(p => p.id === id)) { r.li.remove(); if (r.url) URL.revokeObjectURL(r.url); this.rows.delete(id) }
    all.forEach((p, i) => {
      if (!this.rows.has(p.id)) this.rows.set(p.id, this.row(p.id))
      const r = this.rows.get(p.id), ready = !!p.size, file = p.name.split('/').pop()
      if ($('#strip').children[i] !== r.li) $('#strip').insertBefore(r.li, $('#strip').children[i] ?? null)
      const says = p.failed ? say('photo.failed', {why: told(p.failed)}) : p.made ? say('strip.made') : ready ? '' : say(p.coming ? 'strip.coming' : 'strip.waiting')
      r.name.textContent = file; r.li.title = says ? say('line', {name: p.name, why: says}) : p.name
      r.pick.setAttribute('aria-label', says ? `${file}, ${says}` : file)
      if (p.id === at) r.pick.setAttribute('aria-current', 'true'); else r.pick.removeAttribute('aria-current')
      r.pick.disabled = !ready
      r.gone.setAttribute('aria-label', say('strip.remove', {name: file})); r.gone.hidden = p.coming
      r.sign.textContent = p.failed ? '!' : p.made ? '✓' : ready ? '' : '…'; r.sign.hidden = !r.sign.textContent
      r.li.classList.toggle('failed', !!p.failed)
      if (ready && r.previews !== p.previews) { r.previews = p.previews; this.thumb(p.id, r) }
    })
  }
  async thumb(id, r) {
    let blob
    try { blob = await this.engine.thumb(id) } catch { return }  // it was removed, or the next state tells
    const old = r.url
    r.img.src = r.url = URL.createObjectURL(blob); r.img.hidden = false
    if (old) URL.revokeObjectURL(old)
  }
  follow(id) {  // scrolls the strip, and never the page
    const film = $('#film'), at = this.rows.get(id)?.li.getBoundingClientRect(), seen = film.getBoundingClientRect()
    if (at) film.scrollLeft += Math.max(0, at.right-seen.right)-Math.max(0, seen.left-at.left)
  }
}
