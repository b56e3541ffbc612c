/** Answers that are text already, and how they leave: shorter on the wire, where the client takes that. */
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

/**
 * An answer that is JSON already, made on another thread, or asked for too often to be checked each time: it leaves as it is, unchecked. Only
 * for what is made field by field from data of our own; a test holds it against the contract.
 */
export class JsonText {
  readonly text: string | Buffer

  constructor(text: string | Buffer) {
    this.text = text
  }
}

/** An answer that is there as text. A `Response` makes a stream of it at once, and to read that again costs more than most of what is done for a short one. */
export class TextAnswer {
  readonly words: string
  readonly status: number
  readonly headers: Headers
  /** Nothing to be read bit by bit. */
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

  /** As a `Response` has it. */
  async text(): Promise<string> {
    return this.words
  }
}

/** Below this the saving is not worth the work. */
const fromBytes = 4096
/** Of 11: better than gzip's usual at about the same cost. */
const brotliQuality = 4

const encoders = {
  br: (text: string | Buffer) =>
    promisify(brotliCompress)(text, { params: { [constants.BROTLI_PARAM_QUALITY]: brotliQuality } }),
  gzip: (text: string | Buffer) => promisify(gzip)(text, { level: 6 }),
}

function isLong(text: string | Buffer): boolean {
  return text.length >= fromBytes
}

/** What to send of a text: it, at once, or a shorter form when the client takes one, with the headers of that form. */
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

/** Undefined when the client takes it only as it is (RFC 9110, section 12.5.3). */
function encodingIn(acceptEncoding: string | undefined): keyof typeof encoders | undefined {
  if (acceptEncoding === undefined) return undefined
  return (['br', 'gzip'] as const).find(name => takes(acceptEncoding, name))
}

function takes(acceptEncoding: string, name: string): boolean {
  const item = acceptEncoding.split(',').find(part => part.trim().split(';')[0]?.toLowerCase() === name)
  return item !== undefined && !/;\s*q=0(\.0+)?\s*$/.test(item)
}
