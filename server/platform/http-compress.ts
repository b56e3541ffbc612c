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

export function isLong(text: string): boolean {
  return text.length >= fromBytes
}

/** Undefined when the client takes it only as it is (RFC 9110, section 12.5.3). */
export async function compress(
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
