/** Warns of misleading senders. Names can be chosen freely; only what can mislead is reported. */

import { lowerAscii } from '../../contract/ascii-case.ts'
import { hiddenCharacter } from '../../contract/hidden-character.ts'
import type { Address, Message, SenderWarning } from '../../contract/mail.ts'
import { senderWarnings } from '../../contract/text-bounds.ts'
import { asciiAddress, domainOf } from './ascii-address.ts'
import { imitatedBy, knownDomainOf, looksOf, mixesAlphabets, readable } from './look-alike.ts'

const hidden = new RegExp(hiddenCharacter, 'u')
const unseen = /[\p{Default_Ignorable_Code_Point}\p{Cc}]/gu
/** Characters of a name and of an address that are checked. */
const maxLength = 1000
/** Senders per message that are checked. */
const maxSenders = 20
const addressInName = /[^\s<>()"',;:@]{1,64}@([^\s<>()"',;:@]{1,253})/gu
const domainInName = /[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/gu

/** @param own The address of the reading account. */
export function warningsOf(senders: readonly Address[], own: string | undefined): SenderWarning[] {
  const found = new Set(senders.slice(0, maxSenders).flatMap(sender => [...warningsOfOne(sender, own)]))
  return senderWarnings.filter(warning => found.has(warning))
}

/** Returns senders that differ from From, since servers copy From where Sender is missing. */
export function otherSender({ sender, from }: Pick<Message, 'sender' | 'from'>): Message['sender'] {
  const known = new Set(from.map(({ email }) => lowerAscii(email)))
  return sender.filter(({ email }) => !known.has(lowerAscii(email)))
}

function* warningsOfOne(sender: Address, own: string | undefined): Generator<SenderWarning> {
  const [name, email] = [(sender.name ?? '').slice(0, maxLength), sender.email.slice(0, maxLength)]
  const domain = domainOf(email)
  const ownDomain = own === undefined ? undefined : domainOf(own)
  const known = ownDomain === undefined ? [] : [ownDomain]
  if (asciiAddress(sender.email) === undefined) yield 'invalid_address'
  if (hidden.test(name) || hidden.test(email)) yield 'unseen_characters'
  if (showsOther(name.replaceAll(unseen, '').normalize('NFKC'), email, known)) yield 'name_shows_other_address'
  if ([name, email.slice(0, email.lastIndexOf('@')), readable(domain ?? '')].some(mixesAlphabets))
    yield 'mixed_alphabets'
  const isTwin = own !== undefined && lowerAscii(email) !== lowerAscii(own) && looksOf(email) === looksOf(own)
  if (isTwin || (domain !== undefined && imitatedBy(domain, known) !== undefined)) yield 'looks_like_other_domain'
}

function showsOther(name: string, email: string, known: readonly string[]): boolean {
  const domain = domainOf(email) ?? ''
  for (const [address, host = ''] of name.matchAll(addressInName)) {
    if (lowerAscii(address.replace(/\.+$/, '')) !== lowerAscii(email) && isHost(host)) return true
  }
  return [...name.matchAll(domainInName)].some(([words]) => {
    const named = words.toLowerCase()
    const meant = knownDomainOf(named, known)
    return meant !== undefined && domain !== meant && !domain.endsWith(`.${meant}`)
  })
}

function isHost(words: string): boolean {
  return /\p{L}/u.test(words)
}
