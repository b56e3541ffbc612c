/** Extracts the text of attachments: texts of any charset, HTML by the text threads, and invitations. */
import { Problem } from '../platform/problem.ts'
import { decodeBody, type EncodedBody, isQuick } from '../reading/decode-body.ts'
import type { NoOutcome, Requester } from '../reading/job-cache.ts'
import type { PartsReader } from '../reading/parts-reader.ts'
import { Fence } from '../reading/stranger-text.ts'

export type TextParts = Pick<PartsReader, 'read' | 'decode'>

export type TextKind = 'plain' | 'html'

/** Kinds by file extension, for files without a specific type. */
const endings: ReadonlyMap<string, TextKind> = new Map(
  Object.entries({
    ...Object.fromEntries(
      'txt md csv tsv json xml yml yaml log ics vcf ini diff patch'.split(' ').map(end => [end, 'plain' as const]),
    ),
    htm: 'html',
    html: 'html',
  } as const),
)
const sayNothing = new Set(['application/octet-stream', 'application/x-download', 'binary/octet-stream'])
const plainTypes =
  /^(?:text\/.*|application\/(?:[\w.-]+\+)?(?:json|xml|yaml|x-yaml|ics|sql|javascript|x-ndjson)|image\/svg\+xml)$/

/** Undefined when it is no text. */
export function textKindOf(type: string, name: string | null): TextKind | undefined {
  const kind = type.toLowerCase().split(';')[0]!.trim()
  if (kind === 'text/html' || kind === 'application/xhtml+xml') return 'html'
  if (plainTypes.test(kind)) return 'plain'
  return sayNothing.has(kind) ? endings.get((name ?? '').toLowerCase().split('.').at(-1) ?? '') : undefined
}

/**
 * Decodes the text of an attachment.
 * @param isCut True when there is more, so that the cut may split a character.
 * @returns The text without what a model would read but no person would see.
 */
export async function textOf(
  parts: TextParts,
  { bytes, kind, isCut }: { bytes: Uint8Array; kind: TextKind; isCut: boolean },
  requester: Requester,
): Promise<string | NoOutcome> {
  const body: EncodedBody = {
    texts: [{ kind, bytes, charset: null, flowed: null, isCut }],
    textBody: [0],
    htmlBody: [0],
    contentIds: new Map(),
    calendars: [],
  }
  const decoded = isQuick({ ...body, texts: [{ ...body.texts[0]!, charset: 'utf-8' }] })
    ? await decodeBody(body)
    : await parts.decode(body, requester)
  if (typeof decoded === 'string') return decoded
  const read = await parts.read({ text: decoded.text, html: decoded.html }, requester)
  return typeof read === 'string' ? read : (read.shown ?? read.plain)
}

/** Returns a fenced page of the text. @throws Problem for a cursor of another text. */
export function pieceOf(text: string, { maxChars, cursor = '0' }: { maxChars: number; cursor: string | undefined }) {
  const from = /^\d{1,8}$/.test(cursor) ? Number(cursor) : Number.NaN
  if (!(from <= text.length)) throw new Problem('bad_request', 'cursor: is not a cursor of this attachment.')
  const end = endOf(text, from + maxChars)
  const left = text.length - end
  const fenced = { untrusted_text: new Fence().around(text.slice(from, end)) }
  return left > 0 ? { ...fenced, more: left, cursor: `${end}` } : fenced
}

/** Avoids splitting a character. */
function endOf(text: string, end: number): number {
  return end < text.length && /[\udc00-\udfff]/.test(text[end]!) ? end - 1 : Math.min(end, text.length)
}

/** Signatures of the picture types that models and programs are shown. */
const marks: readonly (readonly [type: string, mark: string])[] = [
  ['image/png', '89504e470d0a1a0a'],
  ['image/jpeg', 'ffd8ff'],
  ['image/gif', '47494638'],
]

/** Detects the type of a picture by its first bytes; undefined for anything else. */
export function imageTypeOf(bytes: Buffer): string | undefined {
  const found = marks.find(([, mark]) => bytes.toString('hex', 0, mark.length / 2) === mark)
  if (found) return found[0]
  const isWebp = bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP'
  return isWebp ? 'image/webp' : undefined
}
