/** Makes long answers shorter on the wire, where the client takes that. Event streams never come through here. */
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

/** Below this the saving is not worth the work. */
const fromBytes = 4096
/** Of 11: better than gzip's usual at about the same cost. */
const brotliQuality = 4

const encoders = {
  br: (text: string) =>
    promisify(brotliCompress)(text, { params: { [constants.BROTLI_PARAM_QUALITY]: brotliQuality } }),
  gzip: (text: string) => promisify(gzip)(text, { level: 6 }),
}

function isLong(text: string): boolean {
  return text.length >= fromBytes
}

/** Sends a text as it is or shorter, whichever the client takes. */
export async function sendText(call: Headers, reply: TextReply, text: string): Promise<unknown> {
  const short = isLong(text) ? await compress(text, call.header('accept-encoding')) : undefined
  if (!short) return reply.send(text)
  const vary = [reply.getHeader('vary'), 'accept-encoding'].flat().filter(name => name !== undefined)
  return reply.header('content-encoding', short.encoding).header('vary', vary.join(', ')).send(short.bytes)
}

interface Headers {
  header(name: string): string | undefined
}

interface TextReply {
  getHeader(name: string): number | string | string[] | undefined
  header(name: string, value: string): TextReply
  send(body: string | Buffer): unknown
}

/** Undefined when the client takes it only as it is (RFC 9110, section 12.5.3). */
async function compress(
  text: string,
  acceptEncoding: string | undefined,
): Promise<{ encoding: string; bytes: Buffer } | undefined> {
  if (acceptEncoding === undefined) return undefined
  const encoding = (['br', 'gzip'] as const).find(name => takes(acceptEncoding, name))
  return encoding && { encoding, bytes: await encoders[encoding](text) }
}

function takes(acceptEncoding: string, name: string): boolean {
  const item = acceptEncoding.split(',').find(part => part.trim().split(';')[0]?.toLowerCase() === name)
  return item !== undefined && !/;\s*q=0(\.0+)?\s*$/.test(item)
}
