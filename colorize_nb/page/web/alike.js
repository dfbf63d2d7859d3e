// Whether two photos show nearly the same, as those of a series do: by their shape, and by their thumbnails in the strip.

import {$, element} from './common.js'

const SIDE = 16, LEVELS = 28  // pixels, and mean difference of 255 levels: that of a camera that moved by 5 %, and of one pair of unlike photos in 200
const SHAPE = 1.02  // widths for a height, one to the other

const small = new WeakMap()  // image -> {src, gray}

function gray(img) {  // the photo as SIDE x SIDE gray levels, or null where its thumbnail is not there yet
  if (!img?.naturalWidth) return null
  if (small.get(img)?.src === img.src) return small.get(img).gray
  const g = element('canvas', {width: SIDE, height: SIDE}).getContext('2d')
  g.imageSmoothingQuality = 'high'
  g.drawImage(img, 0, 0, SIDE, SIDE)
  const {data} = g.getImageData(0, 0, SIDE, SIDE)
  const found = Array.from({length: SIDE*SIDE}, (_, i) => .299*data[4*i]+.587*data[4*i+1]+.114*data[4*i+2])
  small.set(img, {src: img.src, gray: found})
  return found
}
const thumb = ({id}) => $(`#strip [data-id="${id}"] img`)

export function alike(one, other) {
  const shape = one.size[0]/one.size[1]/(other.size[0]/other.size[1])
  if (shape > SHAPE || shape < 1/SHAPE) return false
  const a = gray(thumb(one)), b = gray(thumb(other))
  if (!a || !b) return false
  return a.reduce((sum, v, i) => sum+Math.abs(v-b[i]), 0)/a.length < LEVELS
}
