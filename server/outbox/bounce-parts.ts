/** Parses a message that may be a bounce. Its content is untrusted, so every part of the work is bounded. */

export interface BounceParts {
  /** Header fields by lower-case name; the first of several with the same name. */
  headers: ReadonlyMap<string, string>
  /** Blocks of fields of `message/delivery-status`; the first block is about the whole message. */
  status: ReadonlyMap<string, string>[]
  /** Text parts, written by people or programs. */
  texts: string[]
  /** Headers of returned messages. */
  returned: ReadonlyMap<string, string>[]
}

const mostParts = 30
const mostDepth = 4
const mostFields = 200
const mostBlocks = 200
const mostText = 64 * 1024

export function readBounceParts(raw: Buffer): BounceParts {
  const found: BounceParts = { headers: new Map(), status: [], texts: [], returned: [] }
  const text = raw.toString('latin1').replaceAll('\r\n', '\n')
  const { fields, body } = splitHeader(text)
  found.headers = fields
  const left = { parts: mostParts }
  readPart(fields, body, found, left, 0)
  return found
}

function readPart(
  fields: ReadonlyMap<string, string>,
  body: string,
  found: BounceParts,
  left: { parts: number },
  depth: number,
): void {
  if (left.parts-- <= 0) return
  const type = fields.get('content-type') ?? 'text/plain'
  const kind = type.split(';', 1)[0]!.trim().toLowerCase()
  if (kind.startsWith('multipart/')) {
    const [, quoted, bare] = /boundary=(?:"([^"\n]{1,70})"|([^\s;"]{1,70}))/i.exec(type) ?? []
    const boundary = quoted ?? bare
    if (boundary === undefined || depth >= mostDepth) return
    for (const part of partsOf(body, boundary)) {
      const inner = splitHeader(part)
      readPart(inner.fields, inner.body, found, left, depth + 1)
    }
    return
  }
  const content = decode(fields.get('content-transfer-encoding'), body)
  if (/^message\/(global-)?delivery-status$/.test(kind)) {
    const blocks = content.trim().split(/\n[ \t]*\n+/, mostBlocks)
    found.status.push(...blocks.map(block => splitHeader(`${block}\n\n`).fields))
  } else if (/^(message\/(rfc822|global)|text\/rfc822-headers|message\/global-headers)$/.test(kind)) {
    found.returned.push(splitHeader(content).fields)
  } else if (kind.startsWith('text/')) found.texts.push(content.slice(0, mostText))
}

function partsOf(body: string, boundary: string): string[] {
  const pieces = `\n${body}`.split(`\n--${boundary}`, mostParts + 2)
  return pieces
    .slice(1)
    .filter(piece => !piece.startsWith('--'))
    .map(piece => piece.slice(piece.indexOf('\n') + 1))
}

function splitHeader(text: string): { fields: ReadonlyMap<string, string>; body: string } {
  const end = text.startsWith('\n') ? 0 : text.indexOf('\n\n')
  const head = end < 0 ? text : text.slice(0, end)
  const fields = new Map<string, string>()
  for (const line of head.replaceAll(/\n[ \t]+/g, ' ').split('\n', mostFields)) {
    const at = line.indexOf(':')
    if (at <= 0) continue
    const name = line.slice(0, at).trim().toLowerCase()
    if (!fields.has(name)) fields.set(name, line.slice(at + 1).trim())
  }
  return { fields, body: end < 0 ? '' : text.slice(end).replace(/^\n+/, '') }
}

function decode(encoding: string | undefined, body: string): string {
  switch (encoding?.trim().toLowerCase()) {
    case 'base64':
      return Buffer.from(body.slice(0, mostText * 2), 'base64')
        .toString('utf8')
        .replaceAll('\r\n', '\n')
    case 'quoted-printable':
      return utf8(
        body
          .slice(0, mostText * 3)
          .replaceAll(/[ \t]*=\n/g, '')
          .replaceAll(/=([0-9A-F]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
      )
    default:
      return utf8(body)
  }
}

/** Decodes a string in which each character stands for one byte. */
function utf8(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8')
}
