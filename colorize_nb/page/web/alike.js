// Whether two photos show nearly the same, as those of a series do: by their shape, and by their thumbnails in the strip.

import {$, element} from './common.js'

const SIDE = 16, LEVELS = 28  // pixels, and mean difference of 255 levels: that of a camera that moved by 5 %, and of one pair of unlike photos in 200
const SHAPE = 1.02  // widths for a height, one to the other

const small = new WeakMap()  // image -> gray levels, which no colours change

function cells(img) {  // means of an image in SIDE x SIDE parts, each pixel in one of them: browsers differ where a canvas makes an image smaller
  const {naturalWidth: w, naturalHeight: h} = img, g = element('canvas', {width: w, height: h}).getContext('2d')
  g.drawImage(img, 0, 0)
  const {data} = g.getImageData(0, 0, w, h), sums = new Array(SIDE*SIDE).fill(0), counts = new Array(SIDE*SIDE).fill(0)
  for (let i = 0; i < w*h; i++) {
    const at = Math.floor(Math.floor(i/w)*SIDE/h)*SIDE+Math.floor(i%w*SIDE/w)
    sums[at] += .299*data[4*i]+.587*data[4*i+1]+.114*data[4*i+2]
    counts[at]++
  }
  return sums.map((sum, at) => sum/Math.max(1, counts[at]))
}
function gray(img) {  // the photo as SIDE x SIDE gray levels, or null where its thumbnail is not there yet
  if (!small.has(img) && img?.complete && img.naturalWidth) small.set(img, cells(img))
  return small.get(img) ?? null
}
const thumb = ({id}) => $(`#strip [data-id="${id}"] img`)

export function alike(one, other) {
  const shape = one.size[0]/one.size[1]/(other.size[0]/other.size[1])
  if (shape > SHAPE || shape < 1/SHAPE) return false
  const a = gray(thumb(one)), b = gray(thumb(other))
  if (!a || !b) return false
  return a.reduce((sum, v, i) => sum+Math.abs(v-b[i]), 0)/a.length < LEVELS
}
