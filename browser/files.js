// What a file is, a note in what is made, and a zip of results.

import {BUILT} from './built.js'
import {english} from './words.js'

const text = (b, at, n) => String.fromCharCode(...b.subarray(at, at+n))
const HEIC = new Set(['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'mif1', 'msf1'])  // brands of what few browsers open
const enc = s => new TextEncoder().encode(s)

// {size: [w, h] as stored | null, plain: without loss, deep: 16 bits, heic}; throws for what no browser opens
export async function sniff(file) {
  const b = new Uint8Array(await file.slice(0, 512*1024).arrayBuffer()), v = new DataView(b.buffer), head = text(b, 0, 4)
  if (!b.length) throw new Error(english('said.empty'))
  if (/^(II\*\0|MM\0\*)/.test(head)) throw new Error(english('said.tiff', {install: BUILT.install}))
  if (head === 'PK\x03\x04') throw new Error(english('said.zip'))
  if (head === '\x89PNG' && b.length > 25) return {size: [v.getUint32(16), v.getUint32(20)], plain: true, deep: b[24] === 16}
  if (b[0] === 0xff && b[1] === 0xd8) return {size: jpegSize(b, v)}
  const heic = text(b, 4, 4) === 'ftyp' && HEIC.has(text(b, 8, 4)) && !text(b, 16, 48).includes('avif')
  return {size: null, plain: /^(BM|GIF8)/.test(head), heic}
}
function jpegSize(b, v) {
  for (let at = 2; at+9 < b.length && b[at] === 0xff; at += 2+v.getUint16(at+2)) {
    const m = b[at+1]
    if (m >= 0xc0 && m <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(m)) return [v.getUint16(at+7), v.getUint16(at+5)]
  }
  return null
}

const CRC = Uint32Array.from({length: 256}, (_, c) => { for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320^c >>> 1 : c >>> 1; return c })
export function crc(b, c = 0) { c = ~c; for (let i = 0; i < b.length; i++) c = CRC[(c^b[i]) & 255]^c >>> 8; return ~c >>> 0 }

// XMP that says the colours are generated, as the program writes it
const KIND = 'http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia'
function xmp(about) {
  const attrs = Object.entries(about).map(([k, v]) => `colorize_nb:${k}="${String(v).replace(/[&<>"]/g, c => `&#${c.charCodeAt()};`)}"`).join(' ')
  return '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    +`<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:colorize_nb="${BUILT.ns}" Iptc4xmpExt:DigitalSourceType="${KIND}" ${attrs}/>`
    +'</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
}
export async function noted(blob, about) {
  const head = new Uint8Array(await blob.slice(0, 64).arrayBuffer()), v = new DataView(head.buffer)
  if (blob.type === 'image/png') {
    const body = enc(`iTXtXML:com.adobe.xmp\0\0\0\0\0${xmp(about)}`), [size, sum] = [new DataView(new ArrayBuffer(4)), new DataView(new ArrayBuffer(4))]
    size.setUint32(0, body.length-4); sum.setUint32(0, crc(body))
    return new Blob([blob.slice(0, 33), size, body, sum, blob.slice(33)], {type: blob.type})  // after the header
  }
  const body = enc(`http://ns.adobe.com/xap/1.0/\0${xmp(about)}`), at = head[3] === 0xe0 ? 4+v.getUint16(4) : 2, mark = new DataView(new ArrayBuffer(4))
  if (body.length > 65533) return blob
  mark.setUint16(0, 0xffe1); mark.setUint16(2, body.length+2)
  return new Blob([blob.slice(0, at), mark, body, blob.slice(at)], {type: blob.type})
}

// A zip of {name, blob}, packed already: stored as they are. Made by Unix: what is made by DOS, unzip reads in an old code page, with a flag for UTF-8 or not.
const UNIX = 3, FILE = 0o100644  // a file that its owner may write
export async function zip(files) {
  const parts = [], ends = []
  let at = 0
  for (const {name, blob} of files) {
    const n = enc(name), sum = crc(new Uint8Array(await blob.arrayBuffer()))
    const fields = v => { v.u16(0x800); v.u16(0); v.u16(0); v.u16(0x21); v.u32(sum); v.u32(blob.size); v.u32(blob.size); v.u16(n.length); v.u16(0) }  // UTF-8 names, stored, 1 January 1980
    const local = new Writer(30), entry = new Writer(46)
    local.u32(0x04034b50); local.u16(20); fields(local)
    entry.u32(0x02014b50); entry.u16(UNIX<<8|20); entry.u16(20); fields(entry); entry.u16(0); entry.u16(0); entry.u16(0); entry.u32(FILE*2**16); entry.u32(at)
    parts.push(local.b, n, blob); ends.push(entry.b, n)
    at += 30+n.length+blob.size
  }
  const size = ends.reduce((s, e) => s+e.byteLength, 0), end = new Writer(22)
  if (at+size > 0xffffffff) throw new Error(english('said.zip large'))
  end.u32(0x06054b50); end.u16(0); end.u16(0); end.u16(files.length); end.u16(files.length); end.u32(size); end.u32(at); end.u16(0)
  return new Blob([...parts, ...ends, end.b], {type: 'application/zip'})
}
class Writer {
  constructor(n) { this.b = new Uint8Array(n); this.v = new DataView(this.b.buffer); this.at = 0 }
  u16(x) { this.v.setUint16(this.at, x, true); this.at += 2 }
  u32(x) { this.v.setUint32(this.at, x, true); this.at += 4 }
}

// A name for each result; no two are the same, on any system
export function names(photos) {
  const taken = new Set()
  return photos.map(({name, suffix}) => {
    const stem = name.replace(/\.[^./]*$/, '')+'-color'
    let out = stem+suffix
    for (let k = 2; taken.has(out.toLowerCase()); k++) out = `${stem}-${k}${suffix}`
    taken.add(out.toLowerCase())
    return out
  })
}
