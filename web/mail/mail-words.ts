/** Formats senders, subjects and times of mail for readers. */
import {
  type Address,
  hiddenCharacter,
  type MessageFault,
  type SenderAuth,
  type SenderWarning,
} from '../../contract/mail.ts'
import { formatNumber } from '../platform/format.ts'

const dayMs = 86_400_000
const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const weekday = new Intl.DateTimeFormat('en-GB', { weekday: 'short' })
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const dayAndYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })

const hidden = new RegExp(`(?:${hiddenCharacter})+`, 'gu')

export const warningWords: Record<SenderWarning, string> = {
  invalid_address: 'It has no address to reply to.',
  unseen_characters: 'The name or address contains invisible characters, shown as \ufffd.',
  name_shows_other_address: 'The name shows a different address from the real one.',
  mixed_alphabets: 'A word in the name or address mixes several alphabets.',
  looks_like_other_domain: 'The address looks like a well-known one, or like yours.',
}

const fieldWords: Record<SenderAuth['unsigned'][number], string> = {
  from: 'From',
  reply_to: 'Reply-To',
  to: 'To',
  cc: 'Cc',
  subject: 'subject',
  body: 'text',
}

/** Describes the mail server's verdict on a sender. */
export function authWords({ verdict, domain, unsigned }: SenderAuth): string {
  const place = domain === null ? 'the sender it names' : visibleText(domain)
  if (verdict === 'verified') {
    const open = unsigned.map(field => fieldWords[field]).join(', ')
    const but = open === '' ? '' : ` Not covered by its signature: ${open}.`
    return `The mail server verified that this came from ${place}.${but}`
  }
  if (verdict === 'failed') return `The mail server’s check failed: this did not come from ${place}.`
  return `The mail server could not verify that this came from ${place}.`
}

/** Makes untrusted text safe for one line: characters that hide or reorder others become �. */
export function visibleText(text: string): string {
  return text.replaceAll(hidden, '\ufffd')
}

/** Does the same for several lines, and keeps tabs. */
export function visibleLines(text: string): string {
  return text
    .split(/\r\n|\n|\r/)
    .map(line => line.split('\t').map(visibleText).join('\t'))
    .join('\n')
}

/** Keywords registered with IANA, and Thunderbird's labels; null for internal marks of programs. */
const knownKeywords: ReadonlyMap<string, string | null> = new Map([
  ['$forwarded', 'Forwarded'],
  ['$junk', 'Junk'],
  ['junk', 'Junk'],
  ['$phishing', 'Phishing'],
  ['$important', 'Important'],
  ['$label1', 'Important'],
  ['$label2', 'Work'],
  ['$label3', 'Personal'],
  ['$label4', 'To do'],
  ['$label5', 'Later'],
  ['$notjunk', null],
  ['notjunk', null],
  ['nonjunk', null],
  ['$mdnsent', null],
  ['$submitpending', null],
  ['$submitted', null],
])

/** Returns the labels of these keywords, without duplicates. */
export function keywordWords(keywords: readonly string[]): string[] {
  const words = keywords.map(keyword => {
    const known = knownKeywords.get(keyword.toLowerCase())
    return known === undefined ? visibleText(keyword.replace(/^\$/, '')) : known
  })
  return [...new Set(words)].filter(word => word !== null && word !== '') as string[]
}

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

export function subjectOf({ subject, faults }: { subject: string; faults: readonly MessageFault[] }): string {
  if (faults.includes('unreadable')) return '(unreadable)'
  return visibleText(subject.trim()) || '(no subject)'
}

const faultWords: Record<MessageFault, string> = {
  headers_too_large: 'Its headers are unusually long and may be shown truncated.',
  structure_too_large: 'It has unusually many parts. Only the first are shown.',
  structure_missing: 'The mail server does not report its parts. Attachments and text may be missing here.',
  unreadable: 'The mail server’s description of it is unreadable. Only its position in the folder is known.',
  structure_too_deep: 'Its parts are nested more than 50 levels deep. Deeper parts are not shown.',
  encrypted: 'It is encrypted, or wrapped in an S/MIME signature. Only a program with the key can read its content.',
  packed_for_outlook:
    'Attachments, and maybe its text, are packed in a file of Outlook (winmail.dat) that is damaged, too large or not opened yet. What could be unpacked is listed behind it.',
  repeated_headers: 'It has several senders, subjects or dates in its headers. The first of each is shown.',
}

/** Explains why a message is not shown completely, in one or two sentences per cause. */
export function wordsOfFaults(faults: readonly MessageFault[]): string {
  return faults.map(fault => faultWords[fault]).join(' ')
}

/** Formats as the time today, the weekday within six days, else the date. */
export function formatMailTime(atMs: number, nowMs: number): string {
  const at = new Date(atMs)
  const now = new Date(nowMs)
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime()
  if (atMs >= midnight && atMs < midnight + dayMs) return time.format(at)
  if (atMs < midnight && atMs >= midnight - 6 * dayMs) return weekday.format(at)
  return at.getFullYear() === now.getFullYear() ? day.format(at) : dayAndYear.format(at)
}

/** Returns whether HTML appears to load remote content; links do not count. */
export function mayHaveRemoteContent(html: string): boolean {
  // Must run in linear time on untrusted HTML, so whitespace can match in one way only.
  const attribute = /\b(?:src|srcset|background|poster)\s*=(?:\s*["'])?\s*(?!cid:|data:|["'\s>])/i
  const style = /url\((?:\s*["'])?\s*(?!cid:|data:|["'\s)])|@import|<link\b/i
  return attribute.test(html) || style.test(html)
}
