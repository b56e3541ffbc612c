/** The allowlist for a stranger's HTML: elements, attributes and forms of values. Anything not listed is dropped. */

/** Elements kept under their own name. None holds raw text, so browsers parse the output as intended. */
export const allowedElements: ReadonlySet<string> = new Set(
  (
    'a abbr acronym address area article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del ' +
    'details dfn dir div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main map ' +
    'mark nav ol p pre q rp rt ruby s samp section small span strike strong sub summary sup table tbody td tfoot th ' +
    'thead time tr tt u ul var wbr'
  ).split(' '),
)

/** Elements kept under another name, since browsers would parse their content as raw text. */
export const renamedElements: ReadonlyMap<string, string> = new Map([
  ['listing', 'pre'],
  ['plaintext', 'pre'],
  ['xmp', 'pre'],
])

/** Elements dropped with their content. Other elements that are not allowed keep their content. */
export const droppedElements: ReadonlySet<string> = new Set(
  (
    'title script style template iframe frameset frame noframes noembed textarea select datalist option optgroup ' +
    'applet canvas dialog meter progress param base link meta'
  ).split(' '),
)

export const voidElements: ReadonlySet<string> = new Set(['area', 'br', 'col', 'hr', 'img', 'wbr'])

const word = /^[\w-]{1,40}$/
const length = /^\d{1,5}(?:\.\d{1,4})?(?:%|px)?$/
const span = /^\d{1,3}$/
const count = /^-?\d{1,6}$/
const color = /^(?:#?[\da-f]{3,8}|[a-z]{3,30}|rgba?\([\d\s.,%/]{1,40}\))$/i
const names = /^[\w\s.:-]{1,2000}$/
const numbers = /^[\d\s.,%-]{1,2000}$/
const face = /^[\p{L}\p{N}\s.,'"_-]{1,300}$/u
/** Any value: it is escaped. */
const prose = /^/
const flag = prose

/** Maximum length of a value; longer ones are dropped. `data:` pictures and styles have their own bounds. */
export const maxAttribute = 4_000

type Forms = Readonly<Record<string, RegExp>>

const everywhere: Forms = {
  class: names,
  id: names,
  dir: word,
  lang: word,
  title: prose,
  role: word,
  'aria-hidden': word,
  'aria-label': prose,
  hidden: flag,
  align: word,
  valign: word,
  width: length,
  height: length,
  bgcolor: color,
}
const cell: Forms = { colspan: span, rowspan: span, scope: word, headers: names, abbr: prose }
const list: Forms = { type: word, start: count, value: count, reversed: flag, compact: flag }

const forms: Readonly<Record<string, Forms>> = {
  area: { shape: word, coords: numbers, alt: prose },
  body: { text: color, link: color, vlink: color, alink: color, topmargin: length, leftmargin: length },
  br: { clear: word },
  col: { span },
  colgroup: { span },
  del: { datetime: word },
  details: { open: flag },
  font: { color, face, size: /^[+-]?\d$/ },
  hr: { size: length, noshade: flag, color },
  img: { alt: prose, border: length, hspace: length, vspace: length, usemap: /^#[\w.:-]{1,200}$/ },
  ins: { datetime: word },
  li: list,
  map: { name: /^[\w.:-]{1,200}$/ },
  ol: list,
  table: { border: length, cellpadding: count, cellspacing: count, frame: word, rules: word, summary: prose },
  td: cell,
  th: cell,
  time: { datetime: /^[\w:+. -]{1,60}$/ },
  ul: list,
}

/** Elements whose `background` attribute may name a picture. */
export const backgroundElements: ReadonlySet<string> = new Set(['body', 'table', 'td', 'th'])

/** True when the attribute may stay unchanged. Links, pictures and styles are checked elsewhere. */
export function isAllowedAttribute(element: string, name: string, value: string): boolean {
  if (value.length > maxAttribute) return false
  const form = Object.hasOwn(everywhere, name)
    ? everywhere[name]
    : Object.hasOwn(forms, element) && Object.hasOwn(forms[element]!, name)
      ? forms[element]![name]
      : undefined
  return form?.test(value.trim()) ?? false
}
