/**
 * Reads the threading header fields of an answered message (RFC 5322, section 3.6.4), and where its author wants
 * replies.
 */
import type { Address } from '../../contract/mail.ts'
import type { HeaderField } from '../imap/header-fields.ts'
import { asciiAddress } from '../mail/ascii-address.ts'
import { isMessageId } from './header-forms.ts'

/** References that are written: the first one names the thread, the last ones the path to this message. */
const [mostReferences, mostReferenceBytes] = [50, 8_000]
const mostFollowups = 100

export interface ThreadHeaders {
  messageId: string | null
  references: string[]
  followupTo: Address[]
  listPost: string | null
}

export function threadHeaders(fields: readonly HeaderField[]): ThreadHeaders {
  const field = (name: string) => fields.find(field => field.name === name)?.value ?? ''
  const [messageId = null] = idsIn(field('message-id'))
  const named = idsIn(field('references'))
  const answered = idsIn(field('in-reply-to'))
  // Without References a single In-Reply-To serves as well; with several it is unknown which one counts.
  const before = named.length > 0 ? named : answered.length === 1 ? answered : []
  const references = messageId === null ? before : [...before.filter(id => id !== messageId), messageId]
  return {
    messageId,
    references: bounded([...new Set(references)]),
    followupTo: addressesIn(field('mail-followup-to')),
    listPost: /<mailto:([^<>?]+)/i.exec(field('list-post'))?.[1]?.replace(/^(.*)$/, safeDecode) ?? null,
  }
}

function bounded(ids: readonly string[]): string[] {
  const [first, ...others] = ids
  if (first === undefined) return []
  let left = mostReferenceBytes - first.length
  const last = others.slice(-(mostReferences - 1)).toReversed()
  const kept = last.filter(id => {
    left -= id.length + 1
    return left >= 0
  })
  return [first, ...kept.toReversed()]
}

/** Drops ids that are unsafe to write, so that no sender can inject anything into our headers. */
function idsIn(value: string): string[] {
  return (value.match(/<[^<>\s]{1,400}>/g) ?? []).filter(isMessageId)
}

/** Extracts addresses without their names, which the sender could choose freely. */
function addressesIn(value: string): Address[] {
  const found = value.match(/[^\s<>,;:"()]{1,64}@[^\s<>,;:"()]{1,253}/g) ?? []
  return found
    .slice(0, mostFollowups)
    .filter(email => asciiAddress(email) !== undefined)
    .map(email => ({ name: null, email }))
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
