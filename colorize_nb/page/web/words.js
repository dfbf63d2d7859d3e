// Every word of the page, by its key, and what puts them on it. `{name}` in a text is filled in; where there is a number `n`, a text may have plurals.
// Engines speak English, in the sentences whose keys begin with `said.`: `english` gives them, and `told` says them in the language on view.

const en = {
  // the top of the page
  'title': 'Colour for old photos',
  'progress': 'Progress',
  'stop': 'Stop',
  'add': 'Add photos',
  'over': 'Start over',
  'close': 'Close',

  // before there is a photo
  'start.drop': 'Drop old photos here',
  'start.touch': 'Your old photos',
  'start.choose': 'Choose photos',
  'start.paste': 'or paste them.',
  'start.kinds': 'or paste them. {kinds}; up to {photos} photos of {megapixels} megapixels.',
  'start.examples': 'Or try one of these',
  'example.mother': 'A mother, 1936',
  'example.broadway': 'Broadway, about 1910',
  'example.buffalo': 'Buffalo, about 1908',
  'promise.here': 'Everything stays on this computer.',
  'promise.there': 'Your photos go to the computer that runs this page and nowhere else.',
  'promise.guess': 'The colours are a guess: nobody wrote them down when the photo was taken.',

  // the photo
  'photo': 'The photo',
  'photo.keys': 'The photo. Arrow keys move a cross, Enter chooses a colour there.',
  'photo.before': 'The photo before',
  'photo.after': 'The photo in colour',
  'photo.shaded': 'Shaded where the colours are unsure',
  'photo.size': '{width} × {height} pixels',
  'photo.failed': 'no result: {why}',
  'note.only': 'Only colour is added: grain, scratches and lightness stay.',
  'border': 'Border between before and after',
  'border.at': '{percent} % before',
  'wait.opening': 'Opening…',
  'wait.colouring': 'Colouring…',
  'wait.full': 'Fetching the full size…',

  // what can be done next
  'help.click': 'Click the photo to give a place its colour.',
  'help.tap': 'Tap the photo to give a place its colour.',
  'help.choose': 'Choose a colour for this place.',
  'help.change': 'Choose another colour, or how far it reaches.',
  'help.one': 'Drag or press it; a second protects what should stay.',
  'help.more': 'Drag a colour, or press it to change or remove it.',
  'help.seek': 'Press the place whose colour you want.',
  'help.unsure': 'Shaded: where the colours could be others.',

  // the tools below it
  'tools': 'View and download',
  'undo': 'Undo',
  'undo.title': 'Undo (Ctrl+Z)',
  'redo': 'Redo',
  'redo.title': 'Redo (Ctrl+Shift+Z)',
  'smaller': 'Smaller',
  'smaller.title': 'Smaller (−)',
  'larger': 'Larger',
  'larger.title': 'Larger (+)',
  'fit': 'Fit',
  'fit.title': 'The whole photo (0), or its own pixels (1)',
  'hold': 'Before',
  'hold.label': 'Hold to see the photo before',
  'hold.title': 'Hold to see the photo as it was (G)',
  'unsure': 'Unsure',
  'unsure.label': 'Unsure: shade where the colours could be others',
  'unsure.title': 'Shade where the colours are unsure (U)',
  'pair': 'Both in one',
  'pair.title': 'Before and after in one picture',
  'download': 'Download',
  'share': 'Share',
  'share.photo': 'The photo in colour',
  'share.pair': 'Before and after',
  'making': 'Making it…',
  'making.all': 'Making them…',
  'making.after': {one: 'After {n} other', other: 'After {n} others'},
  'made': '{name} is ready',

  // several photos
  'strip': 'Your photos',
  'strip.made': 'result is made',
  'strip.coming': 'on its way',
  'strip.waiting': 'waiting',
  'strip.remove': 'Remove {name}',
  'removed': {one: 'Removed {name}.', other: 'Removed {n} photos.'},
  'many': 'All photos',
  'same': 'Use these settings for all',
  'same.done': 'These settings are used for all photos',
  'all': 'Download all (zip)',
  'carry': 'Take your colours to the next photo',
  'carried': {one: '{n} colour taken to {name}', other: '{n} colours taken to {name}'},

  // the panel beside it
  'panel': 'Colours',
  'ways': 'Suggestions',
  'way': 'Suggestion {n}',
  'plain': 'Plain',
  'plain.label': 'Plain, as the network paints it',
  'how': 'How much',
  'model': 'Painted by',
  'vivid.low': 'Natural',
  'vivid.high': 'Vivid',
  'vivid': 'From natural to vivid',
  'vivid.none': 'natural',
  'vivid.some': '{percent} vivid',
  'strength': 'Amount of colour',
  'hints': 'Your colours',
  'hint': 'Colour {n}, {color}. Arrow keys move it, Delete removes it.',
  'hint.change': 'Change colour {n}, {color}',
  'none': 'Remove all',

  // the colours of a spot
  'picker': 'Colour of this spot',
  'picker.looking': 'Looking…',
  'picker.likely': 'Likely here, the likeliest first',
  'picker.colours': 'Likely colours',
  'picker.colour': '{colour}, {percent} %',
  'reach': 'How far it reaches',
  'reach.label': 'How far this colour reaches',
  'own': 'Another colour',
  'elsewhere': 'From the photo',
  'gray': 'No colour',
  'asis': 'Keep as it is',
  'unset': 'Remove',
  'things': 'Colours of things',
  'thing.fair': 'Fair skin',
  'thing.tanned': 'Tanned skin',
  'thing.dark': 'Dark skin',
  'thing.blond': 'Blond hair',
  'thing.brown': 'Brown hair',
  'thing.red': 'Red hair',
  'thing.leaves': 'Leaves',
  'thing.grass': 'Dry grass',
  'thing.wood': 'Wood',
  'thing.stone': 'Stone',
  'thing.brick': 'Brick',
  'thing.sky': 'Sky',
  'thing.water': 'Water',
  'thing.khaki': 'Khaki uniform',
  'thing.blue': 'Blue uniform',
  'thing.olive': 'Olive uniform',
  'colour.red': 'red',
  'colour.brown': 'brown',
  'colour.yellow': 'yellow',
  'colour.olive': 'olive',
  'colour.green': 'green',
  'colour.teal': 'teal',
  'colour.blue': 'blue',
  'colour.violet': 'violet',
  'colour.pink': 'pink',
  'colour.gray': 'gray',
  'colour.black': 'black',
  'colour.white': 'white',
  'shade.dark': 'dark {colour}',
  'shade.light': 'light {colour}',
  'shade.grayish': 'grayish {colour}',

  // questions
  'sure': 'Start over?',
  'sure.what': 'All your photos and results are deleted from this page. What you have downloaded stays.',
  'sure.no': 'Keep them',
  'sure.yes': 'Delete and start over',
  'door': 'This server asks for a token',
  'door.who': 'Whoever started it knows the token.',
  'door.token': 'Token',
  'door.enter': 'Enter',
  'fall': 'Drop to add',

  // how far it is
  'far': '{done} of {total}',
  'far.left': '{done} of {total}, {left}',
  'far.load': 'Loading {done} of {total} MB',
  'far.after': {one: '{far} (after {n} other)', other: '{far} (after {n} others)'},
  'left.none': 'nearly done',
  'left.seconds': 'about {n} s left',
  'left.minutes': 'about {n} min left',

  // what engines say: the server's
  'said.tinted': 'Sepia or yellowed: its tone is taken out.',
  'said.color': 'A colour photo: its own colours are replaced by guesses.',
  'said.nearly gray': 'It stayed nearly gray: try Vivid, another suggestion, or set a colour yourself.',
  'said.gray by another': 'It stayed nearly gray: set a colour yourself, or let another model paint.',
  'said.spread': 'This model was not taught to take colours: yours are spread over what looks alike.',
  'said.kinds': '{formats}, or a zip of them',
  'said.film': "a film ({kind}), not a photo: the command takes it under a film's name, as in colorize film.mp4",
  // those of the page itself
  'said.film name': 'by its name',
  'said.large': 'more than {megabytes} MB',
  'said.token': 'This is not the token.',
  'said.silent': 'The server does not answer. Does colorize-app still run?',
  'said.status': 'the server says {status}',
  'said.session': 'The session is over, and its photos are deleted. Drop them again.',
  'said.late': 'not in the zip, because not made as shown: {names}',
  'said.unreadable': 'cannot be read',
  // those of the page without a server
  'said.folder': '{formats}, or a folder of them',
  'said.more': 'A browser leaves out metadata, TIFF and 16 bits. The program keeps them: {install}',
  'said.film first': "a film ({kind}), not a photo: the command takes it under a film's name, as in colorize film.mp4; first {install}",
  'said.page': 'The page',
  'said.browser': 'This browser cannot run it, or a part of the page is missing. Load it again; the newest Firefox, Chrome, Edge or Safari will do.',
  'said.part': 'a part of the page is missing',
  'said.network': 'The network cannot be loaded ({why}). Is there a connection?',
  'said.no network': 'the network is not loaded',
  'said.file long': '{file} is too long',
  'said.file short': '{file} is cut short',
  'said.gone': 'the photo is gone',
  'said.many': 'more than {photos} photos; start over for more',
  'said.no result': 'there is no result yet',
  'said.no example': 'this photo is not there; is there a connection?',
  'said.empty': 'it is empty',
  'said.tiff': 'a browser opens no TIFF; the program does: {install}',
  'said.zip': 'unpack the zip and drop its folder',
  'said.zip large': 'more than 4 GB: download them one by one',
  'said.damaged': 'it is damaged, or of a kind that this browser cannot open',
  'said.pixels': 'more than {megapixels} megapixels',
  'said.canvas': '{width} x {height} pixels are too many for this browser',
  'said.numbers': 'the network gave NaN or infinity',
  'said.memory': 'out of memory',
  'said.deep': '16 bits become 8 in a browser; the program keeps them.',
}

export const WORDS = {en}
let language = 'en'

const chosen = (text, {n}, of) => typeof text === 'string' ? text : text[new Intl.PluralRules(of).select(n)] ?? text.other
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name])
const sayIn = (of, key, values) => filled(chosen(WORDS[of][key] ?? WORDS.en[key], values, of), values)

export const say = (key, values = {}) => sayIn(language, key, values)
export const english = (key, values = {}) => sayIn('en', key, values)

const literal = text => text.replace(/[.*+?^$()|[\]\\]/g, '\\$&')
const pattern = text => new RegExp(`^${literal(text).replace(/\{(\w+)\}/g, '(?<$1>[^]+)')}$`)
const sentences = Object.keys(en).filter(key => key.startsWith('said.')).map(key => [key, pattern(en[key])])

export function told(text) {  // what an engine said; a sentence that has no key stays as it is
  for (const [key, sentence] of sentences) {
    const found = sentence.exec(text)
    if (found) return say(key, Object.fromEntries(Object.entries(found.groups ?? {}).map(([name, value]) => [name, told(value)])))
  }
  return text
}

// on the page: elements carry the keys of their text and of their attributes
const ATTRIBUTES = {wordsLabel: 'aria-label', wordsTitle: 'title', wordsAlt: 'alt'}
const NAMED = '[data-words], [data-words-label], [data-words-title], [data-words-alt]'

function write(element) {
  const {dataset} = element, values = JSON.parse(dataset.values ?? '{}')
  if (dataset.words) {  // beside an icon or a field
    const own = [...element.childNodes].find(node => node.nodeType === Node.TEXT_NODE && node.data.trim())
    if (own) own.data = own.data.replace(/\S([^]*\S)?/, () => say(dataset.words, values))
    else element.append(say(dataset.words, values))
  }
  for (const [name, attribute] of Object.entries(ATTRIBUTES)) if (dataset[name]) element.setAttribute(attribute, say(dataset[name], values))
}
export function put(element, keys, values) {  // keys: {words, wordsLabel, wordsTitle, wordsAlt}, or that of the text
  Object.assign(element.dataset, typeof keys === 'string' ? {words: keys} : keys, values && {values: JSON.stringify(values)})
  write(element)
  return element
}
export function dress() { for (const element of document.querySelectorAll(NAMED)) write(element) }
