/** Formats senders and recipients for readers. */
import type { Address } from '../../contract/mail.ts'
import { formatNumber } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'

/** Returns the domain in ASCII (Punycode) if it has other letters. */
export function asciiDomain(email: string): string | undefined {
  const domain = email.slice(email.lastIndexOf('@') + 1)
  const address = `http://${domain}`
  return /^[\x21-\x7e]*$/.test(domain) || !URL.canParse(address) ? undefined : new URL(address).hostname
}

/** Returns the address, followed by its ASCII domain if that differs. */
export function addressWords(email: string): string {
  const ascii = asciiDomain(email)
  return ascii === undefined ? visibleText(email) : `${visibleText(email)} (${ascii})`
}

export function nameOf({ name, email }: Address): string {
  return visibleText(name?.trim() || email || 'Unknown')
}

/**
 * Names the first and counts the others.
 * @param count The total, of which the list may hold only the first ones.
 */
export function namesOf(addresses: readonly Address[], count: number, nobody: string): string {
  const [first] = addresses
  if (!first) return nobody
  return count > 1 ? `${nameOf(first)} and ${formatNumber(count - 1)} more` : nameOf(first)
}
