// Colours of things that old photos show, each as light as the place that takes it: a hint gives a colour, and the photo keeps its own lightness.

const THINGS = {  // L*, a*, b* in daylight
  fair: [68, 14, 14], tanned: [58, 13, 23], dark: [40, 16, 20],
  blond: [62, 6, 26], brown: [30, 7, 14], red: [40, 20, 26],
  leaves: [45, -18, 26], grass: [65, 2, 28],
  wood: [48, 12, 24], stone: [62, 1, 7], brick: [45, 22, 18],
  sky: [72, -5, -20], water: [50, -8, -10],
  khaki: [62, 2, 20], blue: [30, 0, -19], olive: [40, -4, 16],
}
const WHITE = [.9505, 1, 1.089]
const TO_RGB = [[3.2406, -1.5372, -.4986], [-.9689, 1.8758, .0415], [.0557, -.204, 1.057]]

const linear = v => v > .04045 ? ((v+.055)/1.055)**2.4 : v/12.92
const encoded = v => v > .0031308 ? 1.055*v**(1/2.4)-.055 : 12.92*v

function lightness(color) {  // '#rrggbb' -> L*
  const [r, g, b] = [1, 3, 5].map(i => linear(parseInt(color.slice(i, i+2), 16)/255)), y = .2126*r+.7152*g+.0722*b
  return y > .008856 ? 116*Math.cbrt(y)-16 : 903.3*y
}
function rgb(light, a, b) {  // parts of 1, perhaps outside of 0 to 1
  const f = (light+16)/116
  const xyz = [f+a/500, f, f-b/200].map((v, i) => WHITE[i]*(v > .2069 ? v**3 : (v-16/116)/7.787))
  return TO_RGB.map(row => encoded(Math.max(0, row.reduce((sum, k, i) => sum+k*xyz[i], 0))))
}
const fits = parts => Math.max(...parts) < 1.002
const hex = parts => '#'+parts.map(v => Math.round(255*Math.min(v, 1)).toString(16).padStart(2, '0')).join('')

function lit([bright, a, b], light) {  // in the shade a thing is less colourful; no thing is more so than in daylight
  let k = Math.min(1, (light+16)/(bright+16))
  while (!fits(rgb(light, k*a, k*b)) && k > .05) k *= .93
  return hex(rgb(light, k*a, k*b))
}
export function things(there) {  // the colour of the place -> {name: color}
  const light = lightness(there ?? '#808080')
  return Object.fromEntries(Object.entries(THINGS).map(([name, lab]) => [name, lit(lab, light)]))
}
