/**
 * SEARCH on decoded text: hoodiecrow-imap 2.1.0 compares search words with encoded headers and bodies, and so finds
 * almost nothing.
 */
import type { ImapServer, StoredMessage } from 'hoodiecrow-imap'
import parseMime, { type MimeNode } from 'hoodiecrow-imap/lib/mimeparser.js'

/** The searchable text of a message, decoded and in lower case. */
interface Readable {
  headers: { name: string; value: string }[]
  body: string
}

/** Searches what a reader sees: encoded words (RFC 2047), transfer encodings and charsets are decoded first. */
export function decodedSearch(server: ImapServer): void {
  /** Entries live as long as their messages, whose number each folder bounds. */
  const known = new WeakMap<StoredMessage, Readable>()
  const readableOf = (message: StoredMessage) => {
    const readable = known.get(message) ?? read(message)
    known.set(message, readable)
    return readable
  }
  for (const name of ['subject', 'from', 'to', 'cc', 'bcc']) {
    server.searchHandlers[name.toUpperCase()] = (_connection, message, _number, words) =>
      readableOf(message).headers.some(header => header.name === name && header.value.includes(fold(words)))
  }
  server.searchHandlers.BODY = (_connection, message, _number, words) => readableOf(message).body.includes(fold(words))
  server.searchHandlers.TEXT = (_connection, message, _number, words) => {
    const { headers, body } = readableOf(message)
    return body.includes(fold(words)) || headers.some(({ value }) => value.includes(fold(words)))
  }
  // Fixes LARGER: hoodiecrow also matches messages of exactly that size.
  server.searchHandlers.LARGER = (_connection, { raw }, _number, bytes) => raw.length > Number(bytes)
}

/** The value came over the wire as latin1, one character per byte. */
function fold(words: string): string {
  return Buffer.from(words, 'latin1').toString('utf8').toLowerCase()
}

function read({ raw }: StoredMessage): Readable {
  const tree = parseMime(raw)
  if (!tree) return { headers: [], body: '' }
  const headers = tree.header.map(line => {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).trim().toLowerCase()
    return { name, value: decodeWords(line.slice(colon + 1)).toLowerCase() }
  })
  return { headers, body: textsOf(tree).join('\n').toLowerCase() }
}

function textsOf(node: MimeNode): string[] {
  if (node.childNodes) return node.childNodes.flatMap(textsOf)
  const { type = 'text', subtype = 'plain', params } = node.parsedHeader['content-type'] ?? {}
  if (type.toLowerCase() !== 'text') return []
  const text = decode(bytesOf(node), params?.charset ?? 'utf-8')
  return [subtype.toLowerCase() === 'html' ? text.replaceAll(/<[^>]*>/g, ' ') : text].map(spaced)
}

function bytesOf({ body = '', parsedHeader }: MimeNode): Buffer {
  const encoding = parsedHeader['content-transfer-encoding']?.toLowerCase()
  if (encoding === 'base64') return Buffer.from(body, 'base64')
  return encoding === 'quoted-printable' ? quotedPrintable(body) : Buffer.from(body, 'latin1')
}

function quotedPrintable(text: string): Buffer {
  const joined = text.replaceAll(/[ \t]*=\r?\n/g, '')
  const plain = joined.replaceAll(/=([0-9a-f]{2})/gi, (_match, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  return Buffer.from(plain, 'latin1')
}

function decodeWords(value: string): string {
  const joined = value.replaceAll(/\?=\s+=\?/g, '?==?')
  // Bytes outside encoded words are read as UTF-8 (RFC 6532).
  const parts = joined.split(/(=\?[^?\s]+\?[bq]\?[^?\s]*\?=)/i).map(part => {
    const [, charset, kind, text = ''] = /^=\?([^?*]+)[^?]*\?([bq])\?(.*)\?=$/i.exec(part) ?? []
    if (!charset || !kind) return decode(Buffer.from(part, 'latin1'), 'utf-8')
    const isBase64 = kind.toLowerCase() === 'b'
    return decode(isBase64 ? Buffer.from(text, 'base64') : quotedPrintable(text.replaceAll('_', ' ')), charset)
  })
  return spaced(parts.join(''))
}

/** Decodes bytes; falls back to UTF-8 for an unknown charset. */
function decode(bytes: Buffer, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes)
  } catch {
    return bytes.toString('utf8')
  }
}

/** Collapses whitespace, so that a phrase is found across a line break. */
function spaced(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim()
}
