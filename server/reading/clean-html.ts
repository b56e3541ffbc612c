/**
 * Sanitises a stranger's HTML: parses it as a browser does (parse5) and serialises a new body from allowed nodes. No
 * markup is copied: all tags are ours, all texts and values are escaped, and no element holds raw text, so that
 * browsers cannot misread it.
 */
import { randomBytes } from 'node:crypto'
import { type DefaultTreeAdapterTypes, defaultTreeAdapter, html, parse } from 'parse5'
import { cleanStyleAttribute, cleanStyleSheet, maxStyleSheets } from './clean-css.ts'
import type { StyledElement } from './fit-css.ts'
import {
  allowedElements,
  backgroundElements,
  droppedElements,
  isAllowedAttribute,
  renamedElements,
  voidElements,
} from './html-allowed.ts'
import { plainAttribute } from './outgoing-style.ts'
import { outgoingValue } from './outgoing-words.ts'
import { linkUrl, type PictureRules, pictureUrl } from './stranger-url.ts'

type Node = DefaultTreeAdapterTypes.Node
type Element = DefaultTreeAdapterTypes.Element

export interface CleanHtml {
  /** Content of the sender's `<style>` elements. */
  style: Piece[]
  /** Attributes, each preceded by a blank. */
  bodyAttributes: Piece[]
  body: Piece[]
}

/** Text of the document, or the Content-ID of a picture to be replaced by its address. */
export type Piece = string | { contentId: string }

/** Thrown for a document above limits that no honest message reaches. */
export class TooComplex extends Error {}

/** Newsletters have some thousands of elements, nested some dozens deep. */
const maxElements = 60_000
const maxOpen = 2_000
/** Deeper elements are dropped, but not their text. Browsers stop at 512. */
const maxDepth = 200
/** Maximum number of characters written. */
const maxOutput = 4 * 1024 * 1024
/** Cached style attributes: a newsletter repeats a few. */
const maxKnownStyles = 500

/** Cells side by side, including enclosing tables, above which words must be breakable anywhere for lack of room. */
const manyCells = 3
/** Maximum cell padding and spacing in pixels: nested cells would otherwise fill a narrow pane. */
const maxCellSpace = 12
/** Words longer than this may break after every `breakEvery` characters. */
const longWord = /[^\s\u00ad\u200b]{31,}/g
const breakEvery = /.{15}/gsu

const linkAttributes = ' target="_blank" rel="noopener noreferrer" referrerpolicy="no-referrer"'

/**
 * @param remote Whether remote pictures may be referenced.
 * @throws TooComplex
 */
export function cleanHtml({ source, remote }: { source: string; remote: boolean }): CleanHtml {
  return new Cleaner(remote, false).clean(source)
}

/**
 * Sanitises HTML that a user writes for sending: the same rules, but without remote pictures, which would track the
 * reader, and without additions for our own page.
 * @throws TooComplex
 */
export function cleanOutgoing(source: string): CleanHtml {
  return new Cleaner(false, true).clean(source)
}

interface Waiting {
  node: Node
  depth: number
  isShown: boolean
  /** Cells side by side at this point. */
  cells: number
}

class Cleaner {
  /** Unpredictable, so that text cannot imitate a picture's placeholder. */
  readonly #mark = randomBytes(12).toString('hex')
  readonly #contentIds: string[] = []
  readonly #pictures: PictureRules
  readonly #knownStyles = new Map<string, string>()
  readonly #sheets: string[] = []
  #sheetsLeft = maxStyleSheets
  #direction = ''
  #bodyAttributes = ''
  #out: string[] = []
  #left = maxOutput

  readonly #isOutgoing: boolean

  constructor(remote: boolean, isOutgoing: boolean) {
    this.#isOutgoing = isOutgoing
    this.#pictures = {
      remote,
      carry: contentId => (isOutgoing ? undefined : `cid:${this.#mark}-${this.#contentIds.push(contentId) - 1}.`),
    }
  }

  clean(source: string): CleanHtml {
    this.#walk(parseBounded(source))
    return {
      style: this.#pieces(this.#sheets.join('\n')),
      bodyAttributes: this.#pieces(this.#bodyAttributes),
      body: this.#pieces(this.#out.join('')),
    }
  }

  /** Iterative, since strangers choose the depth. */
  #walk(root: Node): void {
    const waiting: Waiting[] = [{ node: root, depth: 0, isShown: true, cells: 1 }]
    const closing: { tag: string; at: number }[] = []
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      while (closing.length > 0 && closing.at(-1)!.at > waiting.length) this.#write(`</${closing.pop()!.tag}>`)
      const { node, depth, isShown, cells } = next
      if ('value' in node && isShown) this.#writeText(node.value)
      if (!('childNodes' in node)) continue
      let [isInShown, cellsInIt] = [isShown, cells]
      if ('tagName' in node) {
        if (node.tagName === 'tr') cellsInIt *= Math.max(1, node.childNodes.filter(isCell).length)
        const tag = this.#open(node, depth, isShown, cellsInIt >= manyCells)
        if (tag === 'drop') continue
        if (tag !== 'pass') closing.push({ tag, at: waiting.length })
        isInShown = isShown && node.tagName !== 'head'
      }
      for (const child of node.childNodes.toReversed()) {
        waiting.push({ node: child, depth: depth + 1, isShown: isInShown, cells: cellsInIt })
      }
    }
    while (closing.length > 0) this.#write(`</${closing.pop()!.tag}>`)
  }

  /** @returns The name of the opened element; `pass` when only its content is kept, `drop` when nothing is. */
  #open(element: Element, depth: number, isShown: boolean, isNarrow: boolean): string {
    if (element.namespaceURI !== html.NS.HTML) return 'drop'
    const { tagName } = element
    if (tagName === 'style') this.#addSheet(element)
    // Only the body's attributes are kept, so the direction of the whole document moves there.
    if (tagName === 'html') this.#direction = directionOf(element)
    if (tagName === 'body') {
      const own = this.#attributesOf(element, 'body')
      this.#bodyAttributes = own.includes(' dir=') ? own : own + this.#direction
    }
    if (droppedElements.has(tagName)) return 'drop'
    const name = renamedElements.get(tagName) ?? tagName
    if (!allowedElements.has(name) || depth > maxDepth || !isShown) return 'pass'
    // Links of a picture's parts are not seen.
    if (this.#isOutgoing && (name === 'map' || name === 'area')) return 'pass'
    const mark = isNarrow && name === 'tr' ? ' data-narrow' : ''
    this.#write(`<${name}${mark}${this.#attributesOf(element, name)}>`)
    if (voidElements.has(name)) return 'drop'
    // Parsers ignore the first newline (HTML, section 13.2.6.4.7), and have already removed the sender's.
    if (name === 'pre') this.#write('\n')
    return name
  }

  #addSheet({ attrs, childNodes }: Element): void {
    const css = childNodes.map(node => ('value' in node ? node.value : '')).join('')
    this.#sheetsLeft -= css.length
    if (this.#sheetsLeft < 0) return
    const media = attrs.find(({ name }) => name === 'media')?.value.trim()
    const sheet = cleanStyleSheet(media ? `@media ${media}{${css}}` : css, this.#pictures)
    this.#count(sheet)
    if (sheet) this.#sheets.push(sheet)
  }

  #attributesOf({ attrs }: Element, element: string): string {
    let written = ''
    // A width attribute is rigid; as a style it is an upper bound for tables and for the alt text of missing pictures.
    const width =
      element === 'table' || element === 'img' ? attrs.find(({ name }) => name === 'width')?.value.trim() : undefined
    const given = width && /^\d{3,5}$/.test(width) ? withStyle(attrs, `width:${width}px;`, element) : attrs
    for (const { name, value } of given) {
      const kept = this.#valueOf(element, name, value)
      if (kept === undefined) continue
      written += ` ${name}="${escapeAttribute(kept)}"`
      if (name === 'href' && !this.#isOutgoing) written += linkAttributes
    }
    return written
  }

  #valueOf(element: string, name: string, value: string): string | undefined {
    if (name === 'style') return this.#styleOf(value, kindOf(element)) || undefined
    if (name === 'href') return element === 'a' || element === 'area' ? linkUrl(value) : undefined
    if (name === 'src') return element === 'img' ? pictureUrl(value, this.#pictures) : undefined
    if (name === 'background') {
      return backgroundElements.has(element) ? pictureUrl(value, this.#pictures) : undefined
    }
    if (!isAllowedAttribute(element, name, value)) return undefined
    if (this.#isOutgoing && outgoingValue(name, value) !== value) return outgoingValue(name, value)
    return name === 'cellpadding' || name === 'cellspacing' ? String(Math.min(Number(value), maxCellSpace)) : value
  }

  #styleOf(css: string, kind: StyledElement): string {
    const key = `${kind} ${css}`
    const known = this.#knownStyles.get(key)
    if (known !== undefined) return known
    const clean = cleanStyleAttribute(css, kind, this.#pictures)
    const style = this.#isOutgoing ? plainAttribute(clean) : clean
    if (this.#knownStyles.size < maxKnownStyles) this.#knownStyles.set(key, style)
    return style
  }

  #writeText(text: string): void {
    // Fast path, since most texts have no long words.
    if (this.#isOutgoing || !longWord.test(text)) return this.#write(escapeText(text))
    longWord.lastIndex = 0
    let end = 0
    for (const { 0: word, index } of text.matchAll(longWord)) {
      this.#write(escapeText(text.slice(end, index)))
      this.#write(word.replaceAll(breakEvery, '$&\0').split('\0').map(escapeText).join('<wbr>'))
      end = index + word.length
    }
    this.#write(escapeText(text.slice(end)))
  }

  #write(text: string): void {
    this.#count(text)
    this.#out.push(text)
  }

  #count({ length }: string): void {
    this.#left -= length
    if (this.#left < 0) throw new TooComplex(`more than ${maxOutput} characters`)
  }

  #pieces(text: string): Piece[] {
    const parts = text.split(new RegExp(`cid:${this.#mark}-(\\d+)\\.`))
    return parts.flatMap((part, index): Piece[] => {
      if (index % 2 === 1) return [{ contentId: this.#contentIds[Number(part)]! }]
      return part === '' ? [] : [part]
    })
  }
}

/** @throws TooComplex while parsing, so that the tree never exceeds the limits. */
function parseBounded(source: string): Node {
  let elements = 0
  let open = 0
  const treeAdapter: typeof defaultTreeAdapter = {
    ...defaultTreeAdapter,
    createElement: (...element) => {
      if (++elements > maxElements) throw new TooComplex(`more than ${maxElements} elements`)
      return defaultTreeAdapter.createElement(...element)
    },
    // The parser repeatedly scans the stack of open elements.
    onItemPush: () => {
      if (++open > maxOpen) throw new TooComplex(`more than ${maxOpen} elements inside each other`)
    },
    onItemPop: () => {
      open--
    },
  }
  return parse(source, { scriptingEnabled: false, treeAdapter })
}

const isCell = (node: Node) => node.nodeName === 'td' || node.nodeName === 'th'

function kindOf(element: string): StyledElement {
  if (element === 'td' || element === 'th') return 'cell'
  return element === 'img' ? 'picture' : 'other'
}

/** The sender's own style overrides the attribute. */
function withStyle(attrs: Element['attrs'], style: string, element: string): Element['attrs'] {
  const own = attrs.find(({ name }) => name === 'style')
  // Browsers derive a picture's aspect ratio from both attributes before it loads.
  const others = attrs.filter(({ name }) => name !== 'style' && (name !== 'width' || element === 'img'))
  return [...others, { name: 'style', value: style + (own?.value ?? '') }]
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\0', '')
}

function escapeAttribute(value: string): string {
  return escapeText(value).replaceAll('"', '&quot;')
}

function directionOf(element: Element): string {
  const direction = element.attrs
    .find(({ name }) => name === 'dir')
    ?.value.trim()
    .toLowerCase()
  return direction === 'rtl' || direction === 'ltr' ? ` dir="${direction}"` : ''
}
