// Small things that all parts of the page use.

export const $ = s => document.querySelector(s)
export const sleep = ms => new Promise(ok => setTimeout(ok, ms))
export const same = (a, b) => JSON.stringify(a) === JSON.stringify(b)
export const element = (tag, more = {}) => Object.assign(document.createElement(tag), more)
export const button = (more = {}) => element('button', {type: 'button', ...more})
