/** Reads HTML as browsers do, as far as that decides which words stand inside which elements. What they look like is not its business. */
import { Tokenizer, type TokenizerCallbacks } from 'htmlparser2'
import {
  buttons,
  endsParagraph,
  foreign,
  formatting,
  headings,
  keptAttributes,
  lists,
  markers,
  special,
  tableLevels,
  voids,
} from './html-names.ts'

export interface HtmlElement {
  readonly name: string
  /** Those of `keptAttributes` alone; of two of one name the first. */
  readonly attributes: ReadonlyMap<string, string>
}

export interface HtmlVisitor {
  /** Asked after each element and text; nothing more is read when it is so. */
  readonly isFull: boolean
  /** @param parent None for the body, which is opened first of all. */
  opened(element: HtmlElement, parent: HtmlElement | undefined): void
  /** It stays open, and stands in another element from now on. */
  moved(element: HtmlElement, parent: HtmlElement | undefined): void
  closed(element: HtmlElement): void
  text(text: string, parent: HtmlElement): void
}

interface Node extends HtmlElement {
  readonly attributes: Map<string, string>
  readonly isSpecial: boolean
  readonly isFormatting: boolean
  readonly isMarker: boolean
  /** Of a part of a table: its depth in it; 0 for all others. */
  readonly level: number
}

/** What is nested deeper is not read, nor anything after it. */
const maxDepth = 256
/** Open elements that all tags together may have had around them: a long mail has a fifth of it. Past it nothing is read. */
const maxSteps = 20_000_000
/** Of these, how many count for an element that is moved: what it looks like is found again. */
const stepsOfMove = 400

/** @returns Whether something was left because it was too deep, or too much for the visitor. */
export function readHtml(html: string, visitor: HtmlVisitor): boolean {
  return new TreeReader(html, visitor).read()
}

/** HTML, section 13.2.6, in fewer rules; texts that stand between the cells of a table stay where they are. */
class TreeReader implements TokenizerCallbacks {
  readonly #html: string
  readonly #visitor: HtmlVisitor
  readonly #tokenizer = new Tokenizer({}, this)
  readonly #body = nodeOf('body', new Map())
  #open: Node[] = [this.#body]
  #tag = ''
  #attributes = new Map<string, string>()
  #attribute: string | undefined
  #value: string[] = []
  #foreign = 0
  #steps = 0

  constructor(html: string, visitor: HtmlVisitor) {
    this.#html = html
    this.#visitor = visitor
  }

  read(): boolean {
    this.#visitor.opened(this.#body, undefined)
    this.#tokenizer.write(this.#html)
    this.#tokenizer.end()
    this.#close(0)
    return !this.#tokenizer.running
  }

  ontext(start: number, end: number): void {
    this.#text(this.#html.slice(start, end))
  }

  ontextentity(codepoint: number): void {
    this.#text(String.fromCodePoint(codepoint))
  }

  onopentagname(start: number, end: number): void {
    const name = this.#html.slice(start, end).toLowerCase()
    this.#tag = name === 'image' ? 'img' : name
    this.#attributes = new Map()
  }

  onattribname(start: number, end: number): void {
    const name = this.#html.slice(start, end).toLowerCase()
    this.#attribute = keptAttributes.has(name) && !this.#attributes.has(name) ? name : undefined
    this.#value = []
  }

  onattribdata(start: number, end: number): void {
    if (this.#attribute !== undefined) this.#value.push(this.#html.slice(start, end))
  }

  onattribentity(codepoint: number): void {
    if (this.#attribute !== undefined) this.#value.push(String.fromCodePoint(codepoint))
  }

  onattribend(): void {
    if (this.#attribute !== undefined) this.#attributes.set(this.#attribute, this.#value.join(''))
  }

  onopentagend(): void {
    this.#begin(this.#tag, this.#attributes)
  }

  /** The slash counts in SVG and MathML alone. */
  onselfclosingtag(): void {
    const depth = this.#open.length
    this.#begin(this.#tag, this.#attributes)
    if (this.#foreign > 0 && this.#open.length > depth) this.#close(depth)
  }

  onclosetag(start: number, end: number): void {
    this.#end(this.#html.slice(start, end).toLowerCase())
  }

  isInForeignContext(): boolean {
    return this.#foreign > 0
  }

  oncdata(): void {}
  oncomment(): void {}
  ondeclaration(): void {}
  onend(): void {}
  onprocessinginstruction(): void {}

  #text(text: string): void {
    this.#visitor.text(text, this.#open.at(-1)!)
    if (this.#visitor.isFull) this.#tokenizer.pause()
  }

  #count(steps: number): void {
    this.#steps += steps
    if (this.#steps > maxSteps) this.#tokenizer.pause()
  }

  #begin(name: string, attributes: Map<string, string>): void {
    this.#count(this.#open.length)
    if (name === 'head') return
    if (name === 'html' || name === 'body') return this.#addToBody(attributes)
    if (!this.#makeRoom(name)) return
    if (this.#open.length >= maxDepth) return this.#tokenizer.pause()
    const node = nodeOf(name, attributes)
    this.#visitor.opened(node, this.#open.at(-1))
    if (this.#visitor.isFull) this.#tokenizer.pause()
    if (voids.has(name)) return this.#visitor.closed(node)
    this.#open.push(node)
    if (foreign.has(name)) this.#foreign++
  }

  #addToBody(attributes: Map<string, string>): void {
    const news = [...attributes].filter(([name]) => !this.#body.attributes.has(name))
    if (news.length === 0) return
    for (const [name, value] of news) this.#body.attributes.set(name, value)
    this.#move(0)
  }

  /** Ends what ends because this begins. @returns Whether it may begin. */
  #makeRoom(name: string): boolean {
    const level = tableLevels.get(name)
    if (level !== undefined) return this.#makeRoomInTable(level)
    if (name === 'table') this.#leaveTableWithoutCell()
    if (this.#foreign > 0 && special.has(name) && name !== 'style' && name !== 'script' && name !== 'title') {
      this.#close(this.#open.findIndex(node => foreign.has(node.name)))
    }
    if (endsParagraph.has(name)) this.#closeInScope('p', buttons)
    if (headings.has(name) && headings.has(this.#open.at(-1)!.name)) this.#close(this.#open.length - 1)
    if (name === 'li') this.#closeItem(['li'])
    if (name === 'dd' || name === 'dt') this.#closeItem(['dd', 'dt'])
    if (name === 'a' || name === 'nobr') this.#endFormatting(name)
    if (name === 'button') this.#closeInScope(name)
    if (/^opt/.test(name) && this.#open.at(-1)!.name === 'option') this.#close(this.#open.length - 1)
    return true
  }

  #makeRoomInTable(level: number): boolean {
    const table = this.#findTable()
    if (table < 0) return false
    let index = table + 1
    while (index < this.#open.length && this.#open[index]!.level < level) index++
    if (index < this.#open.length) this.#close(index)
    return true
  }

  #leaveTableWithoutCell(): void {
    const table = this.#findTable()
    const isInCell = this.#open.some(({ isMarker, level }, at) => at > table && isMarker && level > 0)
    if (table >= 0 && !isInCell) this.#close(table)
  }

  #findTable(): number {
    let index = this.#open.length - 1
    while (index >= 0 && this.#open[index]!.name !== 'table') index--
    return index
  }

  #closeItem(names: string[]): void {
    for (let index = this.#open.length - 1; index > 0; index--) {
      const { name, isSpecial } = this.#open[index]!
      if (names.includes(name)) return this.#close(index, isFormatting)
      if (isSpecial && name !== 'address' && name !== 'div' && name !== 'p') return
    }
  }

  #end(name: string): void {
    this.#count(this.#open.length)
    if (name === 'br') return this.#begin(name, new Map())
    if (voids.has(name) || name === 'html' || name === 'body' || name === 'head') return
    if (name === 'table' || tableLevels.has(name)) return this.#endInTable(name)
    if (formatting.has(name)) return this.#endFormatting(name)
    if (headings.has(name)) return this.#closeInScope(headings)
    if (name === 'form') return this.#endForm()
    if (name === 'p') return this.#closeInScope(name, buttons)
    if (name === 'li') return this.#closeInScope(name, lists)
    if (special.has(name)) return this.#closeInScope(name)
    for (let index = this.#open.length - 1; index > 0; index--) {
      const node = this.#open[index]!
      if (node.name === name) return this.#close(index, isFormatting)
      if (node.isSpecial) return
    }
  }

  #endInTable(name: string): void {
    const index = this.#open.findLastIndex(node => node.name === name || node.name === 'table')
    if (index > 0 && this.#open[index]!.name === name) this.#close(index)
  }

  /** What stands in it in the page stays hidden with it, while something in it is open. */
  #endForm(): void {
    const index = this.#open.findLastIndex(({ isSpecial }) => isSpecial)
    if (index > 0 && this.#open[index]!.name === 'form') this.#close(index, isFormatting)
  }

  /** Blocks that began in it stay open, without it ("adoption agency"). */
  #endFormatting(name: string): void {
    const index = this.#open.findLastIndex(node => node.name === name || node.isMarker)
    if (index < 1 || this.#open[index]!.isMarker) return
    const block = this.#open.findIndex((node, at) => at > index && node.isSpecial)
    this.#close(index, (node, at) => node.isFormatting || (block > 0 && at >= block))
  }

  #closeInScope(names: string | Set<string>, bounds?: Set<string>): void {
    for (let index = this.#open.length - 1; index > 0; index--) {
      const { name, isMarker, isSpecial } = this.#open[index]!
      const isMeant = typeof names === 'string' ? name === names : names.has(name)
      if (isMeant) return this.#close(index, isMarker ? undefined : isFormatting)
      if (isMarker || (isSpecial && bounds?.has(name))) return
    }
  }

  /** Ends an element, and of those in it all that are not kept. */
  #close(index: number, keeps: (node: Node, index: number) => boolean = () => false): void {
    const gone = this.#open.slice(index)
    const kept = gone.filter((node, offset) => offset > 0 && keeps(node, index + offset))
    const isKept = new Set(kept)
    this.#open.length = index
    for (const node of gone.reverse()) {
      if (isKept.has(node)) continue
      this.#visitor.closed(node)
      if (foreign.has(node.name)) this.#foreign--
    }
    this.#open.push(...kept)
    if (kept.length > 0) this.#move(index)
  }

  #move(from: number): void {
    this.#count(stepsOfMove * (this.#open.length - from))
    for (let index = from; index < this.#open.length; index++) {
      this.#visitor.moved(this.#open[index]!, this.#open[index - 1])
    }
  }
}

const isFormatting = (node: Node) => node.isFormatting

function nodeOf(name: string, attributes: Map<string, string>): Node {
  return {
    name,
    attributes,
    isSpecial: special.has(name),
    isFormatting: formatting.has(name),
    isMarker: markers.has(name),
    level: tableLevels.get(name) ?? 0,
  }
}
