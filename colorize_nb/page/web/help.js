// One line below the photo that follows what one does, and says what can be done next.

import {$} from './common.js'
import {put} from './words.js'

const finger = matchMedia('(hover:none)')

export class Help {
  constructor(store, history, picker, preview, controls) {
    Object.assign(this, {store, history, picker, preview, controls, said: ''})
    store.addEventListener('draw', () => this.draw())
  }
  next() {
    const {picker, preview, controls, history} = this, {length} = history.ask().hints
    if (controls.seeking) return 'help.seek'
    if (picker.open) return picker.index === null ? 'help.choose' : 'help.change'
    if (preview.shading) return 'help.unsure'
    if (!length) return finger.matches ? 'help.tap' : 'help.click'
    return length === 1 ? 'help.one' : 'help.more'
  }
  draw() {  // only what is new: it is read aloud
    const key = this.store.photo ? this.next() : this.said
    if (key === this.said) return
    this.said = key
    put($('#help'), key)
  }
}
