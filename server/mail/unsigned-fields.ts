/**
 * Finds the fields of a message that the signature of its domain leaves open (DKIM, RFC 6376): anyone who passes on a
 * signed message can add a recipient or a Reply-To, and it is verified all the same.
 */
import { lowerAscii } from '../../contract/ascii-case.ts'
import type { SenderAuth } from '../../contract/mail.ts'
import { type HeaderField, isWholeHead, readFields } from '../imap/header-fields.ts'

type Unsigned = SenderAuth['unsigned'][number]

/** Header names of the fields that name people or are read. */
const fields: Readonly<Record<Exclude<Unsigned, 'body'>, string>> = {
  from: 'from',
  reply_to: 'reply-to',
  to: 'to',
  cc: 'cc',
  subject: 'subject',
}

/**
 * @param head The beginning of the message, as far as it was read.
 * @param isOfDomain Whether a signature by that domain (`d=`) speaks for From.
 * @returns Fields of the message that one of these signatures does not cover in each occurrence, since it is unknown
 * which of them was valid; all fields if there is no such signature.
 */
export function unsignedFields(head: string, isOfDomain: (domain: string) => boolean): Unsigned[] {
  const present = readFields(head)
  const signatures = present.filter(({ name }) => name === 'dkim-signature').map(tagsOf)
  const speaking = signatures.filter(tags => isOfDomain(lowerAscii(tags.get('d') ?? '')))
  const isKnown = speaking.length > 0 && isWholeHead(head)
  const names = Object.keys(fields) as (keyof typeof fields)[]
  const open: Unsigned[] = names.filter(name => {
    const count = present.filter(field => field.name === fields[name]).length
    // Beyond what was read there may be another one.
    return isKnown ? speaking.some(tags => signedTimes(tags, fields[name]) < count) : count > 0 || !isWholeHead(head)
  })
  // Text may be appended to a body that is signed up to a length (section 8.2).
  return !isKnown || speaking.some(tags => tags.has('l')) ? [...open, 'body'] : open
}

/** How often a signature covers a field; more often than it occurs means that none can be added (section 8.15). */
function signedTimes(tags: ReadonlyMap<string, string>, name: string): number {
  const signed = (tags.get('h') ?? '').toLowerCase().split(':')
  return signed.filter(each => each === name).length
}

/** Parses the tags of a signature (section 3.2), without blanks; of a repeated one the last counts. */
function tagsOf({ value }: HeaderField): ReadonlyMap<string, string> {
  const tags = value.split(';').map(tag => tag.replaceAll(/\s/g, ''))
  return new Map(tags.map(tag => [tag.slice(0, tag.indexOf('=')).toLowerCase(), tag.slice(tag.indexOf('=') + 1)]))
}
