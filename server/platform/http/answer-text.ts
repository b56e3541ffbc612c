/** Answers that are already text, and their compression if the client accepts it. */
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

/**
 * An answer that is already JSON, rendered on another thread or requested too often to be validated each time: it is
 * sent unchecked. Only for JSON built field by field from our own data; a test compares it with the contract.
 */
export class JsonText {
  readonly text: string | Buffer

  constructor(text: string | Buffer) {
    this.text = text
  }
}

/** A text answer instead of a `Response`, whose stream would cost more to read than the rest of a short call. */
export class TextAnswer {
  readonly words: string
  readonly status: number
  readonly headers: Headers
  /** There is no stream. */
  readonly body = null

  constructor(
    words: string,
    { status = 200, headers }: { status?: number; headers?: Record<string, string> | Headers } = {},
  ) {
    this.words = words
    this.status = status
    this.headers = new Headers(headers)
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300
  }

  /** Same as `Response.text`. */
  async text(): Promise<string> {
    return this.words
  }
}

/** Minimum size of an answer that is compressed. */
const fromBytes = 4096
/** Brotli level, of 11: smaller than gzip's default at about the same cost. */
const brotliQuality = 4

const encoders = {
  br: (text: string | Buffer) =>
    promisify(brotliCompress)(text, { params: { [constants.BROTLI_PARAM_QUALITY]: brotliQuality } }),
  gzip: (text: string | Buffer) => promisify(gzip)(text, { level: 6 }),
}

function isLong(text: string | Buffer): boolean {
  return text.length >= fromBytes
}

/** Returns the body to send: the text itself, or a compressed form that the client accepts, with its headers set. */
export function bodyFor<Text extends string | Buffer>(
  call: Asked,
  reply: TextReply,
  text: Text,
): Text | Promise<Buffer> {
  const encoding = isLong(text) ? encodingIn(call.header('accept-encoding')) : undefined
  return encoding ? encoded(encoding, reply, text) : text
}

async function encoded(encoding: keyof typeof encoders, reply: TextReply, text: string | Buffer): Promise<Buffer> {
  const bytes = await encoders[encoding](text)
  const vary = [reply.getHeader('vary'), 'accept-encoding'].flat().filter(name => name !== undefined)
  reply.header('content-encoding', encoding).header('vary', vary.join(', '))
  return bytes
}

interface Asked {
  header(name: string): string | undefined
}

interface TextReply {
  getHeader(name: string): number | string | string[] | undefined
  header(name: string, value: string): TextReply
}

/** Negotiates the encoding; undefined for identity (RFC 9110, section 12.5.3). */
function encodingIn(acceptEncoding: string | undefined): keyof typeof encoders | undefined {
  if (acceptEncoding === undefined) return undefined
  return (['br', 'gzip'] as const).find(name => takes(acceptEncoding, name))
}

function takes(acceptEncoding: string, name: string): boolean {
  const item = acceptEncoding.split(',').find(part => part.trim().split(';')[0]?.toLowerCase() === name)
  return item !== undefined && !/;\s*q=0(\.0+)?\s*$/.test(item)
}
