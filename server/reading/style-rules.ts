/** Style sheets of mail, as far as they say what is not seen: declarations, and rules with the simplest selectors. What they mean is not its business. */

/** By property; one that is `!important` has a mark behind its name. Small letters only. */
export type Style = ReadonlyMap<string, string>

/** Of all sheets of a mail together; what is behind it does not count. */
const maxSheetLength = 256 * 1024
const maxSelectors = 5000
/** Of one element; rules for further ones do not count. */
const maxClasses = 32
/** Longer ones are cut, so that looking at them takes no time. */
const maxValueLength = 200

const properties = new Set(
  (
    'display visibility opacity font font-size color background background-color background-image max-height height width ' +
    'overflow overflow-x overflow-y position left right top bottom text-indent margin-left margin-top transform scale clip ' +
    'clip-path filter content-visibility white-space border-top border-left'
  ).split(' '),
)
/** A tag, a class, an id, or a tag with one of these; all others (descendants, states, attributes) are not looked at. */
const simpleSelector = /^(?:\*|([a-z][a-z0-9]*))?([.#][\w-]+)?$/
/** What holds on every screen. Narrow ones, dark ones and printers are not what a mail looks like. */
const everyScreen = /^@media (?:only )?(?:all|screen)$/

export class StyleRules {
  readonly #rules = new Map<string, Map<string, string>>()

  /** @param sheet The text of all `style` elements. */
  constructor(sheet: string) {
    const css = plainCss(sheet.slice(0, maxSheetLength))
    let count = 0
    for (let at = 0; count < maxSelectors; ) {
      const brace = css.indexOf('{', at)
      if (brace < 0) return
      const header = headerOf(css.slice(at, brace))
      if (header.startsWith('@')) {
        at = everyScreen.test(header) ? brace + 1 : endOfBlock(css, brace)
        continue
      }
      const end = css.indexOf('}', brace)
      at = end < 0 ? css.length : end + 1
      count += this.#add(header, declarationsOf(css.slice(brace + 1, end < 0 ? undefined : end)))
    }
  }

  /** The later of these hold: rules of the tag, of its classes, of its id, its own. */
  styleOf(name: string, attributes: ReadonlyMap<string, string>): Style {
    const own = attributes.get('style')
    const inline = own === undefined ? none : declarationsOf(plainCss(own))
    if (this.#rules.size === 0) return inline
    const classes = (attributes.get('class') ?? '')
      .toLowerCase()
      .split(/\s+/, maxClasses)
      .map(word => `.${word}`)
    const id = `#${(attributes.get('id') ?? '').toLowerCase()}`
    const keys = ['', name, ...classes, ...classes.map(key => name + key), id, name + id]
    const found = keys.flatMap(key => this.#rules.get(key) ?? [])
    return found.length === 0 ? inline : new Map([...found, inline].flatMap(style => [...style]))
  }

  /** @returns How many there were. */
  #add(header: string, style: Style): number {
    const selectors = header.split(',', maxSelectors)
    if (style.size === 0) return selectors.length
    for (const selector of selectors) {
      const [match, tag = '', rest = ''] = simpleSelector.exec(selector.trim()) ?? []
      if (!match) continue
      const rule = this.#rules.get(tag + rest) ?? new Map<string, string>()
      for (const [name, value] of style) rule.set(name, value)
      this.#rules.set(tag + rest, rule)
    }
    return selectors.length
  }
}

export function propertyOf(style: Style, property: string): string | undefined {
  return style.size === 0 ? undefined : (style.get(`${property}!`) ?? style.get(property))
}

const none: Style = new Map()

function declarationsOf(css: string): Style {
  const style = new Map<string, string>()
  for (const declaration of css.split(';')) {
    const colon = declaration.indexOf(':')
    const property = declaration.slice(0, Math.max(colon, 0)).trim()
    if (!properties.has(property)) continue
    const value = declaration.slice(colon + 1).trim()
    const bang = value.lastIndexOf('!')
    const isImportant = bang >= 0 && value.slice(bang + 1).trim() === 'important'
    const plain = (isImportant ? value.slice(0, bang) : value).slice(0, maxValueLength).trim()
    style.set(isImportant ? `${property}!` : property, plain)
  }
  return style
}

/** In small letters, without comments and escapes. */
function plainCss(css: string): string {
  const kept: string[] = []
  for (let at = 0; at < css.length; ) {
    const begin = css.indexOf('/*', at)
    kept.push(css.slice(at, begin < 0 ? undefined : begin))
    if (begin < 0) break
    const end = css.indexOf('*/', begin + 2)
    at = end < 0 ? css.length : end + 2
  }
  return (
    kept
      .join(' ')
      // Before what follows: last of all, V8 does it again wherever a loop looks at what comes of it, once it has compiled that.
      .toLowerCase()
      .replaceAll(/\\(?:([0-9a-f]{1,6})\s?|)/g, (_match, code: string | undefined) => letterOf(code).toLowerCase())
  )
}

function letterOf(code: string | undefined): string {
  const point = code === undefined ? 0 : Number.parseInt(code, 16)
  return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : ''
}

/** Without what ended before it, and the marks of an old habit. */
function headerOf(text: string): string {
  const begin = Math.max(text.lastIndexOf(';'), text.lastIndexOf('}')) + 1
  return text.slice(begin).replace('<!--', '').replace('-->', '').replaceAll(/\s+/g, ' ').trim()
}

/** Behind the brace that belongs to this one. */
function endOfBlock(css: string, brace: number): number {
  let depth = 0
  for (let at = brace; at < css.length; at++) {
    const letter = css[at]
    if (letter === '{') depth++
    else if (letter === '}' && --depth === 0) return at + 1
  }
  return css.length
}
