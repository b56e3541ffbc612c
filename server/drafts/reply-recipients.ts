/**
 * Computes the recipients of a reply: those that the sender asks for (Reply-To, Mail-Followup-To, List-Post), without
 * the replying owner's own addresses.
 */
import type { Address, Message } from '../../contract/mail.ts'
import { asciiAddress } from '../mail/ascii-address.ts'
import { keyOf } from './draft-recipients.ts'

/** Header fields of the answered message. */
export type AnsweredHeaders = Pick<Message, 'from' | 'to' | 'cc' | 'reply_to'> & {
  followupTo: readonly Address[]
  /** The posting address of the mailing list. */
  listPost: string | null
}

export class OwnAddresses {
  readonly #keys: ReadonlySet<string>

  constructor(addresses: readonly string[]) {
    this.#keys = new Set(addresses.map(keyOf))
  }

  /** Also matches tagged addresses: `ann+shop@example.org` is `ann@example.org` (RFC 5233). */
  has(email: string): boolean {
    const key = keyOf(email)
    return this.#keys.has(key) || this.#keys.has(key.replace(/\+[^@]*@/, '@'))
  }
}

export function replyRecipients(
  mode: 'reply' | 'reply_all',
  message: AnsweredHeaders,
  own: OwnAddresses,
): { to: Address[]; cc: Address[] } {
  const isMine = message.from.length > 0 && message.from.every(({ email }) => own.has(email))
  const sender = message.reply_to.length > 0 ? message.reply_to : message.from
  // A reply to one's own message continues the conversation with its recipients.
  const answered = isMine ? message.to : sender
  if (mode === 'reply') return { to: others(answered, own, sender), cc: [] }
  if (!isMine && message.followupTo.length > 0) return { to: others(message.followupTo, own, sender), cc: [] }
  const to = others(isMine ? message.to : [...sender, ...message.to], own, sender)
  const list = message.listPost === null ? [] : [{ name: null, email: message.listPost }]
  const taken = new Set(to.map(({ email }) => keyOf(email)))
  const cc = valid([...message.cc, ...list]).filter(({ email }) => !own.has(email) && !taken.has(keyOf(email)))
  return { to, cc }
}

/** Removes own addresses; if nothing else is left, the reply goes to them, as for notes to oneself. */
function others(list: readonly Address[], own: OwnAddresses, sender: readonly Address[]): Address[] {
  const [named, senders] = [valid(list), valid(sender)]
  for (const people of [named, senders]) {
    const left = people.filter(({ email }) => !own.has(email))
    if (left.length > 0) return left
  }
  return named.length > 0 ? named : senders
}

/** Keeps each valid address once. */
function valid(list: readonly Address[]): Address[] {
  const seen = new Set<string>()
  return list.filter(({ email }) => {
    const key = keyOf(email)
    if (asciiAddress(email) === undefined || seen.has(key)) return false
    seen.add(key)
    return true
  })
}
