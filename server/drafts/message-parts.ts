/** Parses a message from a stream: its header fields, and each part without its transfer encoding (RFC 2045, 2046). */
import { TransferDecoder } from '../reading/transfer-decoder.ts'

export interface RawField {
  name: string
  /** Unfolded, otherwise as written. */
  value: string
}

export interface PartSink {
  /** Called for the message first, then for each part. */
  begin(fields: readonly RawField[]): void
  /** Called with decoded bytes of the part begun last. */
  take(bytes: Buffer): void
  end(): void
}

/** Upper bound for the header of a message or a part. */
const mostHeaderBytes = 512 * 1024
const headerEnd = Buffer.from('\r\n\r\n')
const delimiter = Buffer.from('\r\n--')
/** Bytes of a delimiter line (RFC 2046, section 5.1.1) with its padding. */
const mostDelimiter = 90

/** @throws Error for input that our own messages never contain. */
export async function readParts(source: AsyncIterable<Buffer>, sink: PartSink): Promise<void> {
  const reader = new PartsWalk(sink)
  for await (const piece of source) reader.push(piece)
  reader.end()
}

class PartsWalk {
  readonly #sink: PartSink
  readonly #boundaries: string[] = []
  #rest: Buffer = Buffer.alloc(0)
  #state: 'header' | 'body' | 'between' = 'header'
  #decoder: TransferDecoder | undefined

  constructor(sink: PartSink) {
    this.#sink = sink
  }

  push(piece: Buffer): void {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece])
    while (this.#step(false)) {}
  }

  end(): void {
    while (this.#step(true)) {}
    if (this.#state === 'header') throw new Error('the message ends in its header')
    if (this.#state === 'body') this.#give(this.#rest)
    this.#endPart()
  }

  /** @returns Whether the bytes received so far may allow another step. */
  #step(isEnd: boolean): boolean {
    if (this.#state === 'header') return this.#readHeader()
    let from = 0
    for (;;) {
      const at = this.#rest.indexOf(delimiter, from)
      const lineEnd = at < 0 ? -1 : this.#rest.indexOf('\r\n', at + 2, 'latin1')
      if (at < 0 || (lineEnd < 0 && this.#rest.length - at < mostDelimiter && !isEnd)) {
        // The bytes received so far may end within a delimiter.
        const kept = at < 0 ? Math.max(from, this.#rest.length - delimiter.length) : at
        this.#give(this.#rest.subarray(0, isEnd ? this.#rest.length : kept))
        this.#rest = isEnd ? Buffer.alloc(0) : Buffer.from(this.#rest.subarray(kept))
        return false
      }
      const end = lineEnd < 0 ? this.#rest.length : lineEnd
      const line = this.#rest.toString('latin1', at + delimiter.length, Math.min(end, at + mostDelimiter))
      if (!this.#isDelimiter(line.trimEnd())) {
        from = at + 2
        continue
      }
      this.#give(this.#rest.subarray(0, at))
      this.#endPart()
      this.#rest = this.#rest.subarray(lineEnd < 0 ? end : lineEnd)
      return this.#openPart(line.trimEnd())
    }
  }

  #isDelimiter(line: string): boolean {
    return this.#boundaries.some(boundary => line === boundary || line === `${boundary}--`)
  }

  #openPart(line: string): boolean {
    const depth = this.#boundaries.findLastIndex(boundary => line === boundary || line === `${boundary}--`)
    const isClosing = line !== this.#boundaries[depth]
    this.#boundaries.length = isClosing ? depth : depth + 1
    this.#state = isClosing ? 'between' : 'header'
    if (!isClosing) this.#rest = this.#rest.subarray(2)
    return true
  }

  #readHeader(): boolean {
    const isEmpty = this.#rest.indexOf('\r\n', 0, 'latin1') === 0
    const at = isEmpty ? -2 : this.#rest.indexOf(headerEnd)
    if (!isEmpty && at < 0) {
      if (this.#rest.length > mostHeaderBytes) throw new Error('the header is too long')
      return false
    }
    const fields = isEmpty ? [] : readRawFields(this.#rest.toString('utf8', 0, at))
    // The line end before the body may be the start of a delimiter.
    this.#rest = this.#rest.subarray(at + 2)
    const type = fieldOf(fields, 'content-type')
    const boundary = /^multipart\//i.test(type) ? paramsOf(type).get('boundary') : undefined
    this.#sink.begin(fields)
    if (boundary !== undefined) {
      this.#boundaries.push(boundary)
      this.#state = 'between'
      return true
    }
    this.#rest = this.#rest.subarray(2)
    this.#decoder = new TransferDecoder(fieldOf(fields, 'content-transfer-encoding').toLowerCase())
    this.#state = 'body'
    return true
  }

  #give(bytes: Buffer): void {
    if (this.#decoder && bytes.length > 0) this.#sink.take(this.#decoder.push(bytes))
  }

  #endPart(): void {
    if (!this.#decoder) return
    this.#sink.take(this.#decoder.end())
    this.#decoder = undefined
    this.#sink.end()
  }
}

function readRawFields(head: string): RawField[] {
  const lines = head.replaceAll(/\r\n(?=[ \t])/g, '').split('\r\n')
  return lines.map(line => {
    const colon = line.indexOf(':')
    return { name: line.slice(0, Math.max(0, colon)), value: line.slice(colon + 1).trim() }
  })
}

export function fieldOf(fields: readonly RawField[], name: string): string {
  return fields.find(field => field.name.toLowerCase() === name)?.value ?? ''
}

/** Parses the parameters of a field (RFC 2045, section 5.1), including continuations and character sets (RFC 2231). */
export function paramsOf(value: string): Map<string, string> {
  const form = /;\s*([\w-]+)(?:\*(\d+))?(\*)?=(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/g
  const pieces = new Map<string, string[]>()
  for (const [, name = '', at = '0', star, quoted, bare = ''] of value.matchAll(form)) {
    const text = quoted === undefined ? bare : quoted.replaceAll(/\\(.)/g, '$1')
    const all = pieces.get(name.toLowerCase()) ?? []
    all[Number(at)] =
      star && Number(at) === 0 ? percentDecoded(text.replace(/^[^']*'[^']*'/, '')) : star ? percentDecoded(text) : text
    pieces.set(name.toLowerCase(), all)
  }
  // Joined before decoding: one character's bytes may be split between two pieces.
  return new Map([...pieces].map(([name, all]) => [name, Buffer.from(all.join(''), 'latin1').toString('utf8')]))
}

/** Returns one character for each byte. */
function percentDecoded(text: string): string {
  return text.replaceAll(/%([\da-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
