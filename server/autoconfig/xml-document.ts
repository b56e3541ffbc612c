/**
 * Parses untrusted XML to a small tree: without document types, so only the built-in entities exist, and bounded in
 * depth and number.
 */

export interface XmlElement {
  /** The name without namespace prefix. */
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly XmlElement[]
  /** Its own text, trimmed. */
  readonly text: string
}

/** Thrown with a message that says what is not accepted. */
export class UnreadableDocument extends Error {
  override readonly name = 'UnreadableDocument'
}

/** Upper bound of elements, and separately of attributes. */
const mostElements = 2_000
const mostDepth = 20
/** Characters shown of a type or a name. */
const shownCharacters = 40

interface Growing {
  name: string
  attributes: Record<string, string>
  children: Growing[]
  text: string
}

/** Parses a document. @throws UnreadableDocument */
export async function readXml(text: string): Promise<XmlElement> {
  // Loaded on demand: a server that connects no mailbox does not need it.
  const { SaxesParser } = await import('saxes')
  const parser = new SaxesParser({ xmlns: false })
  const root: Growing = { name: '', attributes: {}, children: [], text: '' }
  const open = [root]
  let [elements, attributes] = [0, 0]
  parser.on('doctype', type => {
    // A web page is the usual response of a site without settings.
    if (/^\s*html\b/i.test(type)) throw new UnreadableDocument('is a web page, not settings')
    throw new UnreadableDocument('declares a document type, which is refused since it may declare entities')
  })
  parser.on('attribute', () => {
    if (++attributes > mostElements) throw new UnreadableDocument(`has more than ${mostElements} attributes`)
  })
  parser.on('opentag', ({ name, attributes: its }) => {
    if (++elements > mostElements) throw new UnreadableDocument(`has more than ${mostElements} elements`)
    if (open.length > mostDepth) throw new UnreadableDocument(`is nested more than ${mostDepth} levels deep`)
    const element: Growing = { name: localName(name), attributes: textsOf(its), children: [], text: '' }
    open.at(-1)!.children.push(element)
    open.push(element)
  })
  parser.on('closetag', () => {
    const closed = open.pop()!
    closed.text = closed.text.trim()
  })
  const take = (piece: string) => {
    open.at(-1)!.text += piece
  }
  parser.on('text', take)
  parser.on('cdata', take)
  try {
    parser.write(text).close()
  } catch (error) {
    if (error instanceof UnreadableDocument) throw error
    const isPage = /^\s*<(!doctype\s+html|html|head|body)\b/i.test(text)
    throw new UnreadableDocument(isPage ? 'is a web page, not settings' : 'is not well-formed XML', { cause: error })
  }
  return root.children[0]!
}

export function childrenOf(element: XmlElement | undefined, name: string): readonly XmlElement[] {
  return element?.children.filter(child => child.name.toLowerCase() === name.toLowerCase()) ?? []
}

export function childOf(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return childrenOf(element, name)[0]
}

/** Returns undefined if the element is missing or empty. */
export function textOf(element: XmlElement | undefined, name: string): string | undefined {
  return childOf(element, name)?.text || undefined
}

/** Returns a short text for responses, without characters that would disturb the line. */
export function shownText(text: string): string {
  const plain = text.replace(/[^\x21-\x7e]+/g, ' ').trim()
  return plain.length > shownCharacters ? `${plain.slice(0, shownCharacters)}…` : plain
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}

function textsOf(attributes: Record<string, unknown>): Record<string, string> {
  const texts: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(attributes)) texts[localName(name)] = String(value)
  return texts
}
