/** Converts HTML to text for a model: the words that a person would see, with lists, quotations and tables marked. */
import { isSeen, isShown, isTrackingPixel, type Look, lookOf, plainLook, type Surroundings } from './html-look.ts'
import { linkTarget } from './link-words.ts'
import { attributeOf, type HtmlElement, type HtmlNode, isElement, type ParsedHtml, parseHtml } from './parse-html.ts'
import { StyleBudget } from './style-budget.ts'
import { type Color, StyleColors } from './style-color.ts'
import { type Style, StyleRules } from './style-rules.ts'
import { TableSketch } from './table-sketch.ts'
import { type Mark, TextLines } from './text-lines.ts'

/** Maximum characters of a picture's alternative text. */
const maxAltLength = 200

const set = (list: string) => new Set(list.split(' '))
const blocks = set(
  'address article aside caption center dd details dialog dir div dl dt fieldset figcaption figure footer form header ' +
    'hgroup legend listing main menu nav option pre search section summary tbody td textarea tfoot th thead tr xmp',
)
const spaced = set('blockquote h1 h2 h3 h4 h5 h6 hr ol p pre table ul')
/** Elements that mark a table as layout rather than data. */
const unlikeData = set('blockquote h1 h2 h3 h4 h5 h6 hr li pre')

/** Depth of nesting that is read; the parser closes deeper elements anyway. */
const maxDepth = 512
const linkColor: Color = [0, 0, 238, 1]

/** Takes linear time, whatever the HTML contains. */
export function htmlText(html: string): string {
  const parsed = parseHtml(html)
  const budget = new StyleBudget()
  const writer = new HtmlWriter(parsed, budget)
  if (parsed.root) writer.write(parsed.root, plainLook)
  return writer.lines.toText({ isCut: parsed.isCut || writer.isCut, isUnstyled: budget.isOver })
}

interface Shown {
  style: Style
  look: Look
  /** Callbacks for the end of the element. */
  endings: (() => void)[]
}

class HtmlWriter {
  readonly lines = new TextLines()
  isCut = false
  readonly #rules: StyleRules
  readonly #around: { -readonly [Name in keyof Surroundings]: Surroundings[Name] }
  /** The open elements. */
  readonly #open: Shown[] = []
  /** Start and preceding pictures of each open positioned element, in which others are positioned. */
  readonly #placed: { begin: Mark; pictures: number }[] = []
  #pictures = 0
  readonly #tables: TableSketch[] = []
  readonly #lists: { number: number | undefined }[] = []
  /** The last attribution line ("… wrote:"). */
  #attribution: { from: Mark; to: Mark } | undefined
  /** The highest z-index so far. */
  #front = 0

  constructor(parsed: ParsedHtml, budget: StyleBudget) {
    const { isQuirky } = parsed
    const colors = new StyleColors(budget, isQuirky)
    this.#rules = new StyleRules(parsed, colors, budget)
    this.#around = { colors, budget, isQuirky, linkColor, bodyColor: plainLook.color, hasPicturesBehind: false }
  }

  write(element: HtmlElement, around: Look): void {
    if (this.#open.length >= maxDepth || this.lines.isFull) {
      this.isCut = true
      return
    }
    const style = this.#rules.styleOf(element)
    this.#around.hasPicturesBehind = this.#pictures > (this.#placed.at(-1)?.pictures ?? 0)
    const look = lookOf(element, style, around, this.#around)
    if (look.isGone) return
    if (element.tagName === 'body') this.#setBody(element, look)
    const isPlaced = /^(?:relative|absolute|fixed|sticky)/.test(style.get('position') ?? '')
    if (isPlaced) this.#cover(style, look)
    const shown: Shown = { style, look, endings: [] }
    this.#open.push(shown)
    if (isPlaced) this.#placed.push({ begin: this.lines.here(), pictures: this.#pictures })
    if ((isPlaced && look.background !== around.background) || element.tagName === 'img') this.#pictures++
    this.#begin(element, shown)
    for (const child of childrenOf(element)) {
      if (isElement(child)) this.write(child, look)
      else if ('value' in child) this.#writeText(child.value, look)
      if (this.isCut) break
    }
    for (const end of shown.endings.reverse()) end()
    this.#open.pop()
    if (isPlaced) this.#placed.pop()
  }

  #writeText(text: string, look: Look): void {
    if (this.lines.isFull) this.isCut = true
    if (this.isCut || !isSeen(look)) return
    if (look.isPreformatted) this.lines.exactWords(text)
    else this.lines.words(text)
  }

  #setBody(element: HtmlElement, { color }: Look): void {
    const link = attributeOf(element, 'link')
    this.#around.linkColor = (link === undefined ? undefined : this.#around.colors.ofAttribute(link)) ?? linkColor
    this.#around.bodyColor = color
  }

  /** Drops what was written under an opaque element that covers its container and lies in front. */
  #cover(style: Style, { isCovering, opacity }: Look): void {
    const zIndex = Number(style.get('z-index') ?? 0) || 0
    const isBefore = zIndex >= this.#front
    this.#front = Math.max(this.#front, zIndex)
    const isWhole = (from: string, to: string, size: string) => {
      const isZero = (side: string) => /^-?0(?:px|%)?$/.test(style.get(side) ?? '')
      return isZero(from) && (isZero(to) || /^(?:1\d\d%|1\d\dv[wh]|\d{4,}px)$/.test(style.get(size) ?? ''))
    }
    if (!/^(?:absolute|fixed)$/.test(style.get('position') ?? '') || !isBefore) return
    if (!isCovering || opacity < 0.95) return
    if (!isWhole('left', 'right', 'width') || !isWhole('top', 'bottom', 'height')) return
    this.lines.dropSince(this.#placed.at(-1)?.begin ?? { line: 0, piece: 0 })
  }

  #begin(element: HtmlElement, shown: Shown): void {
    const { tagName: name } = element
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
    const { tagName: name } = element
    const words = attributeOf(element, 'class')?.slice(0, 200) ?? ''
    const isDense = name === 'p' && /\bMso/.test(words)
    if (spaced.has(name) && !isDense && (this.#lists.length === 0 || !/^[uo]l$/.test(name))) {
      this.lines.gap()
      endings.push(() => this.lines.gap())
    } else if (isDense || blocks.has(name) || name === 'li' || name === 'ul' || name === 'ol') {
      this.lines.block()
      endings.push(() => this.lines.block())
    }
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
    const alt = (attributeOf(element, 'alt') ?? '').slice(0, maxAltLength).trim()
    if (alt === '' || !isShown(look) || isTrackingPixel(element, style)) return
    this.lines.words(/^\p{Extended_Pictographic}/u.test(alt) ? alt : ` [image: ${alt}] `)
  }

  #beginLink(element: HtmlElement, { endings }: Shown): void {
    const begin = this.lines.here()
    endings.push(() => {
      const words = this.lines.since(begin)
      const target = words === '' ? undefined : linkTarget(attributeOf(element, 'href') ?? '', words)
      if (target !== undefined) this.lines.addToLast(` (${target})`)
    })
  }

  #beginQuotation(element: HtmlElement, { style }: Shown): void {
    const steps = { no: 0, itself: 0, parent: 1, grandparent: 2 }[startsOriginal(element, style)]
    if (this.#attribution && element.tagName === 'blockquote') {
      this.lines.quote(this.#attribution.from, this.#attribution.to)
    }
    this.#attribution = undefined
    this.lines.block()
    this.lines.quotes++
    const owner = this.#open[Math.max(this.#open.length - 1 - steps, 0)]!
    owner.endings.push(() => {
      this.lines.block()
      this.lines.quotes--
    })
  }

  #beginMarked(marker: string, { endings }: Shown): void {
    this.lines.marker += marker
    endings.push(() => {
      this.lines.block()
      this.lines.marker = ''
    })
  }

  #beginList(element: HtmlElement, { endings }: Shown): void {
    const start = Number.parseInt(attributeOf(element, 'start') ?? '1', 10)
    this.#lists.push({ number: element.tagName === 'ol' ? start || 1 : undefined })
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

/** Returns the visible children: the summary of a closed `details`, the selected option of a `select`. */
function childrenOf(element: HtmlElement): HtmlNode[] {
  const { tagName: name, childNodes } = element
  if (name === 'details' && attributeOf(element, 'open') === undefined) {
    return childNodes.filter(child => child.nodeName === 'summary').slice(0, 1)
  }
  if (name !== 'select' || attributeOf(element, 'multiple') !== undefined || attributeOf(element, 'size'))
    return childNodes
  const options = childNodes.filter(child => isElement(child) && child.tagName === 'option')
  const chosen =
    options.find(option => isElement(option) && attributeOf(option, 'selected') !== undefined) ?? options[0]
  return chosen ? [chosen] : []
}

/**
 * Detects the marks of mail programs that an earlier message begins here, and its extent: the element itself, or the
 * rest of its parent or grandparent. Gmail and Thunderbird use `blockquote`, which is not handled here.
 */
function startsOriginal(element: HtmlElement, style: Style): 'no' | 'itself' | 'parent' | 'grandparent' {
  if (element.tagName !== 'div') return 'no'
  const id = attributeOf(element, 'id')?.slice(0, 100) ?? ''
  const classes = attributeOf(element, 'class')?.slice(0, 200) ?? ''
  // Outlook on the web and on phones, with a line above the quotation.
  if (/^(?:x_)*divRplyFwdMsg$/.test(id)) return 'parent'
  if (/^(?:x_)*mail-editor-reference-message-container$/.test(id)) return 'itself'
  if (/\byahoo_quoted\b/.test(classes) || /^yahoo_quoted/.test(id)) return 'itself'
  // Outlook for Windows: a border above or left of the quotation.
  if (/^solid #(?:e1e1e1|b5c4df)/.test(style.get('border-top') ?? '')) return 'grandparent'
  if (/^solid blue 1\.5pt/.test(style.get('border-left') ?? '')) return 'itself'
  return 'no'
}
