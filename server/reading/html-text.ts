/** HTML of a mail as a model reads it: the words that a person would see, as lines, with lists, quotations and tables marked. */
import { isSeen, isTrackingPixel, type Look, lookOf, plainLook } from './html-look.ts'
import { type HtmlElement, type HtmlVisitor, readHtml } from './html-tree.ts'
import { linkTarget } from './link-target.ts'
import { startsOriginal } from './reply-marks.ts'
import { type Style, StyleRules } from './style-rules.ts'
import { TableSketch } from './table-sketch.ts'
import { type Mark, TextLines } from './text-lines.ts'

/** Of the text that stands for a picture. */
const maxAltLength = 200

const set = (list: string) => new Set(list.split(' '))
const blocks = set(
  'address article aside caption center dd details dialog dir div dl dt fieldset figcaption figure footer form header ' +
    'hgroup legend listing main menu nav option pre search section summary tbody td textarea tfoot th thead tr xmp',
)
const spaced = set('blockquote h1 h2 h3 h4 h5 h6 hr ol p pre table ul')
/** A table with one of these in it is there for the looks. */
const unlikeData = set('blockquote h1 h2 h3 h4 h5 h6 hr li pre')

/** The time that it takes grows with the length of the HTML and no faster, whatever is in it. */
export function htmlText(html: string): string {
  const sheet = /<style/i.test(html) ? sheetOf(html) : ''
  const writer = new HtmlWriter(new StyleRules(sheet))
  const isCut = readHtml(html, writer)
  return writer.lines.toText(isCut)
}

/** What all `style` elements say, wherever they stand; not those in comments. */
function sheetOf(html: string): string {
  const sheets: string[] = []
  const isOurs = ({ name, attributes }: HtmlElement) =>
    name === 'style' && /^\s*(?:(?:only )?(?:all|screen))?\s*$/i.test((attributes.get('media') ?? '').slice(0, 50))
  readHtml(html, {
    isFull: false,
    opened: () => undefined,
    moved: () => undefined,
    closed: () => undefined,
    text: (text, parent) => void (isOurs(parent) && sheets.push(text)),
  })
  return sheets.join('')
}

interface Shown {
  style: Style
  look: Look
  /** What is to be done when the element ends. */
  endings: (() => void)[]
}

class HtmlWriter implements HtmlVisitor {
  readonly lines = new TextLines()
  readonly #rules: StyleRules
  /** Of the elements that are open. */
  readonly #shown = new Map<HtmlElement, Shown>()
  readonly #parents = new Map<HtmlElement, HtmlElement>()
  readonly #tables: TableSketch[] = []
  readonly #lists: { number: number | undefined }[] = []
  /** The last line that said who wrote what. */
  #attribution: { from: Mark; to: Mark } | undefined

  constructor(rules: StyleRules) {
    this.#rules = rules
  }

  get isFull(): boolean {
    return this.lines.isFull
  }

  opened(element: HtmlElement, parent: HtmlElement | undefined): void {
    const style = this.#rules.styleOf(element.name, element.attributes)
    const look = lookOf(element, style, this.#lookOf(parent))
    const shown: Shown = { style, look, endings: [] }
    this.#shown.set(element, shown)
    if (parent) this.#parents.set(element, parent)
    if (!look.isGone) this.#begin(element, shown)
  }

  /** The body alone gets attributes late. */
  moved(element: HtmlElement, parent: HtmlElement | undefined): void {
    const shown = this.#shown.get(element)!
    if (!parent) shown.style = this.#rules.styleOf(element.name, element.attributes)
    shown.look = lookOf(element, shown.style, this.#lookOf(parent))
    if (parent) this.#parents.set(element, parent)
  }

  closed(element: HtmlElement): void {
    for (const end of this.#shown.get(element)!.endings.reverse()) end()
    this.#shown.delete(element)
    this.#parents.delete(element)
  }

  text(text: string, parent: HtmlElement): void {
    const { look } = this.#shown.get(parent)!
    if (!isSeen(look)) return
    if (look.isPreformatted) this.lines.exactWords(text)
    else this.lines.words(text)
  }

  #lookOf(element: HtmlElement | undefined): Look {
    return (element && this.#shown.get(element)?.look) ?? plainLook
  }

  #begin(element: HtmlElement, shown: Shown): void {
    const { name } = element
    this.#beginBlock(element, shown)
    if (unlikeData.has(name)) this.#tables.at(-1)?.setLayout()
    if (name === 'br') this.lines.break()
    else if (name === 'hr') this.#writeRule()
    else if (name === 'img') this.#writePicture(element, shown)
    else if (name === 'a') this.#beginLink(element, shown)
    else if (name === 'blockquote' || startsOriginal(element, shown.style) !== 'no')
      this.#beginQuotation(element, shown)
    else if (/^h[1-6]$/.test(name)) this.#beginMarked(`${'#'.repeat(Number(name[1]))} `, shown)
    else if (name === 'ol' || name === 'ul') this.#beginList(element, shown)
    else if (name === 'li') this.#beginItem(shown)
    else if (name === 'table') this.#beginTable(shown)
    else if (name === 'tr') this.#tables.at(-1)?.beginRow()
    else if (name === 'td' || name === 'th') this.#beginCell(shown)
  }

  #beginBlock(element: HtmlElement, { endings }: Shown): void {
    const { name, attributes } = element
    const isDense = name === 'p' && /\bMso/.test(attributes.get('class')?.slice(0, 100) ?? '')
    if (spaced.has(name) && !isDense && (this.#lists.length === 0 || !/^[uo]l$/.test(name))) {
      this.lines.gap()
      endings.push(() => this.lines.gap())
    } else if (isDense || blocks.has(name) || name === 'li' || name === 'ul' || name === 'ol') {
      this.lines.block()
      endings.push(() => this.lines.block())
    }
    const words = attributes.get('class')?.slice(0, 200) ?? ''
    if (!/\b(?:gmail_attr|moz-cite-prefix)\b/.test(words)) return
    const from = this.lines.here()
    endings.unshift(() => {
      this.#attribution = { from, to: this.lines.here() }
    })
  }

  #writeRule(): void {
    this.lines.words('---')
    this.lines.gap()
  }

  #writePicture(element: HtmlElement, { style, look }: Shown): void {
    const alt = (element.attributes.get('alt') ?? '').slice(0, maxAltLength).trim()
    if (alt === '' || look.isGone || !look.isVisible || isTrackingPixel(element, style)) return
    this.lines.words(/^\p{Extended_Pictographic}/u.test(alt) ? alt : ` [image: ${alt}] `)
  }

  #beginLink({ attributes }: HtmlElement, { endings }: Shown): void {
    const begin = this.lines.here()
    endings.push(() => {
      const words = this.lines.since(begin)
      const target = words === '' ? undefined : linkTarget(attributes.get('href') ?? '', words)
      if (target !== undefined) this.lines.addToLast(` (${target})`)
    })
  }

  #beginQuotation(element: HtmlElement, { style, endings }: Shown): void {
    const reach = startsOriginal(element, style)
    const owner = this.#ancestorOf(element, { no: 0, itself: 0, parent: 1, grandparent: 2 }[reach])
    if (this.#attribution && element.name === 'blockquote')
      this.lines.quote(this.#attribution.from, this.#attribution.to)
    this.#attribution = undefined
    this.lines.block()
    this.lines.quotes++
    const end = () => {
      this.lines.block()
      this.lines.quotes--
    }
    const endingsOfOwner = owner === element ? endings : this.#shown.get(owner)!.endings
    endingsOfOwner.push(end)
  }

  #ancestorOf(element: HtmlElement, steps: number): HtmlElement {
    let found = element
    for (let step = 0; step < steps; step++) found = this.#parents.get(found) ?? found
    return found
  }

  #beginMarked(marker: string, { endings }: Shown): void {
    this.lines.marker += marker
    endings.push(() => {
      this.lines.block()
      this.lines.marker = ''
    })
  }

  #beginList({ name, attributes }: HtmlElement, { endings }: Shown): void {
    const start = Number.parseInt(attributes.get('start') ?? '1', 10)
    this.#lists.push({ number: name === 'ol' ? start || 1 : undefined })
    endings.push(() => void this.#lists.pop())
  }

  #beginItem(shown: Shown): void {
    const list = this.#lists.at(-1)
    this.lines.indent++
    this.lines.marker = ''
    shown.endings.push(() => {
      this.lines.block()
      this.lines.indent--
    })
    this.#beginMarked(list?.number === undefined ? '- ' : `${list.number++}. `, shown)
  }

  #beginTable({ endings }: Shown): void {
    this.#tables.at(-1)?.setLayout()
    const table = new TableSketch(this.lines)
    this.#tables.push(table)
    endings.push(() => {
      this.#tables.pop()
      this.lines.block()
      table.end()
    })
  }

  #beginCell({ endings }: Shown): void {
    const table = this.#tables.at(-1)
    const begin = this.lines.here()
    endings.push(() => {
      this.lines.block()
      table?.addCell(begin)
    })
  }
}
