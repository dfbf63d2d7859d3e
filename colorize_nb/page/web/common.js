// Small things that all parts of the page use.

// what outlives a reload, where the browser allows it: a frame of a notebook has no storage
export const kept = key => { try { return sessionStorage.getItem(key) } catch { return null } }
export function keep(key, value) {  // no value: forget it; returns whether there was room
  try { value === undefined ? sessionStorage.removeItem(key) : sessionStorage.setItem(key, value); return true } catch { return false }
}
export const keptKeys = () => { try { return Object.keys(sessionStorage) } catch { return [] } }

export const $ = s => document.querySelector(s)
export const sleep = ms => new Promise(ok => setTimeout(ok, ms))
export const same = (a, b) => JSON.stringify(a) === JSON.stringify(b)
export const element = (tag, more = {}) => Object.assign(document.createElement(tag), more)
export function download(blob, name) {
  const a = element('a', {href: URL.createObjectURL(blob), download: name})
  document.body.append(a); a.click(); a.remove()
  setTimeout(() => URL.revokeObjectURL(a.href), 60_000)
}
export const button = (more = {}) => element('button', {type: 'button', ...more})
