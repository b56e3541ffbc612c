/** Parses HTML as browsers do (parse5), within bounds: content above them is dropped and `isCut` is set. */
import {
  type DefaultTreeAdapterMap,
  type DefaultTreeAdapterTypes,
  defaultTreeAdapter,
  html,
  Parser,
  Tokenizer,
} from 'parse5'

export type HtmlNode = DefaultTreeAdapterTypes.Node
export type HtmlElement = DefaultTreeAdapterTypes.Element

export interface ParsedHtml {
  root: HtmlElement | undefined
  /** All `style` elements in order, including those of SVG. */
  styles: HtmlElement[]
  /** True in quirks mode, without a doctype. */
  isQuirky: boolean
  isCut: boolean
}

/** Maximum number of elements; a mebibyte of short paragraphs in tables has 170,000. */
const maxElements = 250_000
/** Maximum depth; deeper content and anything after it is dropped. */
const maxOpen = 256
/** Sum of open elements over all tags, since the parser scans them at each tag; a long mail reaches a fifth. */
const maxSteps = 20_000_000

type Tag = Parameters<Parser<DefaultTreeAdapterMap>['onStartTag']>[0]

class PastBounds extends Error {}

class BoundedParser extends Parser<DefaultTreeAdapterMap> {
  #steps = 0

  override onStartTag(token: Tag): void {
    this.#count()
    super.onStartTag(token)
  }

  override onEndTag(token: Tag): void {
    this.#count()
    super.onEndTag(token)
  }

  #count(): void {
    this.#steps += this.openElements.stackTop + 1
    if (this.#steps > maxSteps) throw new PastBounds()
  }
}

export function parseHtml(source: string): ParsedHtml {
  const styles: HtmlElement[] = []
  let elements = 0
  let open = 0
  const treeAdapter: typeof defaultTreeAdapter = {
    ...defaultTreeAdapter,
    createElement: (name, ...rest) => {
      if (++elements > maxElements) throw new PastBounds()
      const element = defaultTreeAdapter.createElement(name, ...rest)
      if (name === 'style') styles.push(element)
      return element
    },
    onItemPush: () => {
      if (++open > maxOpen) throw new PastBounds()
    },
    onItemPop: () => {
      open--
    },
  }
  const parser = new BoundedParser({ scriptingEnabled: false, treeAdapter })
  let isCut = false
  try {
    parser.tokenizer.write(source, true)
  } catch (error) {
    if (!(error instanceof PastBounds)) throw error
    isCut = true
  }
  const { document } = parser
  const root = document.childNodes.find(isElement)
  return { root, styles, isQuirky: document.mode === html.DOCUMENT_MODE.QUIRKS, isCut }
}

export function isElement(node: HtmlNode): node is HtmlElement {
  return 'tagName' in node
}

export function attributeOf({ attrs }: HtmlElement, name: string): string | undefined {
  for (const attribute of attrs) if (attribute.name === name) return attribute.value
  return undefined
}

export function textIn(element: HtmlElement): string {
  return element.childNodes.map(node => ('value' in node ? node.value : '')).join('')
}

/** Resolves the character references of text between two tags. */
export function plainText(words: string): string {
  if (!words.includes('&')) return words
  let text = ''
  const add = ({ chars }: { chars: string }) => {
    text += chars
  }
  const skip = () => undefined
  const handler = {
    onCharacter: add,
    onWhitespaceCharacter: add,
    onNullCharacter: skip,
    onStartTag: skip,
    onEndTag: skip,
  }
  const tokenizer = new Tokenizer(
    { sourceCodeLocationInfo: false },
    { ...handler, onComment: skip, onDoctype: skip, onEof: skip },
  )
  tokenizer.write(words, true)
  return text
}
