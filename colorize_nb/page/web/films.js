// Films are refused before they are sent: an hour of film would travel for nothing. They are told by their first bytes, as film_kind of Python tells them.

import {english} from './words.js'

const text = (b, at, n) => String.fromCharCode(...b.subarray(at, at+n))
const NONE = new Set(['crx ', 'avif', 'avis', 'heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'mif1', 'msf1', 'miaf', 'jp2 ', 'jpx ', 'jpm ', 'jxl ',
  'avci', 'avcs', 'jpeg', 'jpgs', 'j2ki', 'j2is', 'vvic', 'vvis', 'M4A ', 'M4B '])  // brands of pictures and of sound
const BOXES = new Set(['moov', 'mdat', 'wide', 'free', 'skip', 'pnot'])  // QuickTime before there was ftyp
const MAGIC = Object.entries({'\x1aE\xdf\xa3': 'Matroska or WebM', '\0\0\x01\xba': 'MPEG-PS', '\0\0\x01\xb3': 'MPEG', 'FLV\x01': 'FLV', '0&\xb2u\x8ef\xcf\x11': 'WMV', OggS: 'Ogg'})
const PHOTO = /^(\xff\xd8|\x89PNG|GIF8|BM|RIFF|II\*\0|MM\0\*)/

export function filmKind(b) {  // of the first 400 bytes, or more; '' for what is no film
  const box = text(b, 4, 4), brand = text(b, 8, 4), others = text(b, 16, 48)
  if (box === 'ftyp' && (NONE.has(brand) || others.includes('avif') || others.includes('heic'))) return ''
  if (box === 'ftyp') return brand === 'qt  ' ? 'QuickTime' : 'MP4'
  if (BOXES.has(box)) return 'QuickTime'
  if (text(b, 0, 4) === 'RIFF' && brand === 'AVI ') return 'AVI'
  for (const [at, n] of [[0, 188], [4, 192]]) if ([0, 1, 2].every(i => b[at+i*n] === 0x47)) return 'MPEG-TS'
  return MAGIC.find(([magic]) => text(b, 0, magic.length) === magic)?.[1] ?? ''
}

export async function refusal(f, {film, films, limits} = {}) {  // why a file is not sent, or ''
  const b = new Uint8Array(await f.slice(0, 400).arrayBuffer().catch(() => new ArrayBuffer(0)))
  const kind = filmKind(b), named = films?.includes(f.name.replace(/^.*\./, '.').toLowerCase())
  const picture = PHOTO.test(text(b, 0, 4)) || text(b, 4, 4) === 'ftyp'
  if (film && (kind || named && b.length && !picture)) return film.replace('{}', kind || english('said.film name'))
  return f.size > limits?.upload ? english('said.large', {megabytes: Math.round(limits.upload/1e6)}) : ''
}
