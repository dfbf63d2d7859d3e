// For Playwright's driver, see test_page.py: what it and the Firefox of this computer tell each other, where they differ
const parse = JSON.parse, stringify = JSON.stringify
const contexts = new Map()  // realm -> its page or frame
const asked = new Map()  // id of a call -> the page or frame that it runs in
const nodes = new Map()  // a node -> its page or frame

function remember({id, method, params, result}) {
  if (method === 'script.realmCreated') contexts.set(params.realm, params.context)
  const node = result?.result?.sharedId
  if (node && asked.has(id)) nodes.set(node, asked.get(id))
  if (result) asked.delete(id)
}
JSON.parse = (...args) => {
  const found = parse(...args)
  if (!found || typeof found !== 'object') return found
  // an emulation that an older Firefox does not know counts as done
  const unknown = found.type === 'error' && found.error === 'unknown command' && found.message?.includes('emulation.')
  if (unknown) return {type: 'success', id: found.id, result: {}}
  // a download that the page made itself belongs to no navigation, and is passed over without one
  if (found.method?.startsWith('browsingContext.download')) found.params.navigation ??= found.params.url
  remember(found)
  return found
}
JSON.stringify = (message, ...args) => {
  const {id, method, params} = message ?? {}
  if (method === 'script.callFunction' && params?.target) asked.set(id, params.target.context ?? contexts.get(params.target.realm))
  // files for an input in a frame are files for the frame, not for its page
  if (method === 'input.setFiles') params.context = nodes.get(params.element.sharedId) ?? params.context
  return stringify(message, ...args)
}
