// A word for a colour, for those who hear it.

import {say} from './words.js'

const hues = [[20, 'red'], [45, 'brown'], [65, 'yellow'], [100, 'olive'], [160, 'green'], [200, 'teal'], [250, 'blue'], [290, 'violet'], [335, 'pink'], [361, 'red']]

export function word(color) {
  const [r, g, b] = [1, 3, 5].map(i => parseInt(color.slice(i, i+2), 16)/255), hi = Math.max(r, g, b), lo = Math.min(r, g, b), c = hi-lo, l = (hi+lo)/2
  const shaded = (shade, name) => shade ? say(`shade.${shade}`, {colour: say(`colour.${name}`)}) : say(`colour.${name}`)
  const light = l < .25 ? 'dark' : l > .72 ? 'light' : ''
  if (c < .07) return l < .12 ? say('colour.black') : l > .93 ? say('colour.white') : shaded(light, 'gray')
  const h = 60*(hi === r ? ((g-b)/c+6)%6 : hi === g ? (b-r)/c+2 : (r-g)/c+4)
  const name = hues.find(([to]) => h < to)[1]
  return shaded(c < .22 ? 'grayish' : light, name)
}
