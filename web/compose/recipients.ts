/** Parses recipients as typed or pasted, and checks them before the server does. */

import type { RecipientInput } from '../../contract/draft.ts'
import { mailBounds } from '../../contract/mail.ts'
import { lowerAscii } from '../platform/ascii-case.ts'

export interface Recipient {
  /** The address, or the typed text if it is not a valid one. */
  email: string
  name: string | null
}

const shape = /^[^\s@<>(),;:"[\]\\]+@[^\s@<>(),;:"[\]\\]+$/u

export function isAddress(email: string): boolean {
  return email.length <= mailBounds.email && (shape.test(email) || /^"[^"\r\n]+"@[^\s@]+$/.test(email))
}

/**
 * Splits `Anne <anne@example.com>, bob@example.com; carl@example.com` at unquoted commas, semicolons and line breaks.
 */
export function parseRecipients(text: string): Recipient[] {
  const parts = text.match(/(?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,;\r\n"<])+|["<][^,;\r\n]*/g) ?? []
  return parts.map(part => parseOne(part.trim())).filter(({ email }) => email !== '')
}

function parseOne(text: string): Recipient {
  const [, name, email] = /^(.*?)\s*<([^<>]*)>$/s.exec(text) ?? []
  if (email === undefined) return { email: text, name: null }
  const plain = (name ?? '').replace(/^"(.*)"$/s, '$1').replaceAll(/\\(.)/g, '$1')
  return { email: email.trim(), name: plain.trim() || null }
}

/** Appends the recipients that are not in the list yet. */
export function addRecipients(before: readonly Recipient[], more: readonly Recipient[]): Recipient[] {
  const known = new Set(before.map(keyOf))
  const fresh = more.filter(each => {
    const isNew = !known.has(keyOf(each))
    known.add(keyOf(each))
    return isNew
  })
  return [...before, ...fresh]
}

function keyOf({ email }: Recipient): string {
  return lowerAscii(email)
}

export function invalidOf(list: readonly Recipient[]): Recipient[] {
  return list.filter(({ email }) => !isAddress(email))
}

export function validOf(list: readonly Recipient[]): Recipient[] {
  return list.filter(({ email }) => isAddress(email))
}

export function recipientsOf(list: readonly { email: string; name: string | null }[]): Recipient[] {
  return list.map(({ email, name }) => ({ email, name }))
}

export function toInput({ email, name }: Recipient): Exclude<RecipientInput, string> {
  return { email, name: name === null ? null : name.replaceAll(/[\r\n]+/g, ' ').slice(0, mailBounds.name) }
}
