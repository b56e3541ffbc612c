/**
 * Finds the recipients that a message reports as failed: by RFC 3464, or in the phrases of qmail, Exim, Postfix, Gmail
 * and Exchange. The findings are claims of an untrusted sender: they set a state and some text, and nothing else
 * depends on them.
 */
import { lowerAscii } from '../../contract/ascii-case.ts'
import { safeWords } from '../accounts/safe-words.ts'
import { type BounceParts, readBounceParts } from './bounce-parts.ts'

export interface BounceReport {
  /** Message-IDs that the returned message may have, with angle brackets, likeliest first. */
  messageIds: string[]
  /** ENVID (RFC 3461): the submission id. */
  envelopeId: string | undefined
  /** Failed recipients of a report by RFC 3464. */
  failed: { email: string; words: string }[]
  /** Texts of any other report, which are searched for recipients. */
  texts: string[]
}

const mostIds = 20
const mostFailed = 500
const senders = /^(mailer-daemon|postmaster|mail-daemon|mailerdaemon|microsoftexchange[0-9a-f]+|bounces?|mdaemon)$/i
const subjects =
  /undeliver|undelivered|delivery (status|failure|has failed)|failure notice|returned mail|mail delivery (failed|system|subsystem)|delivery incomplete|could not be delivered|unzustellbar|nicht zustellbar|non remis|no se puede entregar|mancata consegna/i
/** Phrases about mail that may still be delivered. */
const delays = /\b(delayed|warning: message|will (be|keep) (retry|try)|still being retried|not yet been delivered)\b/i
const failures =
  /\b5\.\d{1,3}\.\d{1,3}\b|\b5[0-5]\d[ -]|could(n't| not) be delivered|wasn't delivered|has failed|undeliverable|permanent (fatal )?error|does(n't| not) exist|no such user|user unknown|unknown user|address(es)? failed|mailbox (is )?(unavailable|not found)|I'm afraid I wasn't able|I've given up|rejected/i
/** Lines after which the returned message begins. */
const separators =
  /^(--- Below this line is a copy of the message|-+ ?(This is a copy of|Original message|The header of the original|Forwarded message)|-+ Message header follows|Original message headers:)/im

/** Returns whether a message is worth reading, judged by its announced sender and subject. */
export function looksLikeBounce(from: string | undefined, subject: string | undefined): boolean {
  // An arrival announced by another process has only its location.
  if (from === undefined && subject === undefined) return true
  const local = from?.slice(0, Math.max(0, from.lastIndexOf('@'))) ?? ''
  return senders.test(local) || subjects.test(subject ?? '')
}

/** @param raw The beginning of the message; anything beyond it is ignored. */
export function readBounce(raw: Buffer): BounceReport | undefined {
  const parts = readBounceParts(raw)
  const failed = parts.status.slice(1).flatMap(failedOf).slice(0, mostFailed)
  const envelopeId = parts.status[0]?.get('original-envelope-id')
  if (parts.status.length > 0) {
    // The report is about a delay or a success.
    if (failed.length === 0) return undefined
    return { messageIds: idsOf(parts), envelopeId, failed, texts: [] }
  }
  const [from = '', subject = ''] = ['from', 'subject'].map(name => parts.headers.get(name))
  const address = /<([^<>]*)>/.exec(from)?.[1] ?? from
  if (!looksLikeBounce(address.trim(), subject)) return undefined
  const texts = parts.texts.map(text => text.slice(0, separatorIn(text)))
  const named = parts.headers.get('x-failed-recipients')
  const isFailure = named !== undefined || texts.some(text => failures.test(text) && !delays.test(text.slice(0, 2_000)))
  if (!isFailure) return undefined
  const words = texts.join('\n')
  const exim = (named ?? '').split(',').flatMap(email => {
    const trimmed = email.trim()
    return trimmed === '' ? [] : [{ email: trimmed, words: wordsAbout(words, trimmed) ?? tidy(words) }]
  })
  return { messageIds: idsOf(parts), envelopeId: undefined, failed: exim.slice(0, mostFailed), texts }
}

/** Returns what a report says about a recipient; undefined if it does not name the recipient. */
export function wordsAbout(text: string, email: string): string | undefined {
  const lower = lowerAscii(text)
  const sought = lowerAscii(email)
  for (let at = lower.indexOf(sought); at >= 0; at = lower.indexOf(sought, at + 1)) {
    const [before = ' ', after = ' '] = [lower[at - 1], lower[at + sought.length]]
    // Skip a match inside a longer address.
    if (/[\w.+%-]/.test(before) || /[\w-]/.test(after) || /^\.[\w-]/.test(lower.slice(at + sought.length))) continue
    const start = lower.lastIndexOf('\n', at) + 1
    return tidy(text.slice(start, at + sought.length + 400))
  }
  return undefined
}

function failedOf(block: ReadonlyMap<string, string>): { email: string; words: string }[] {
  const action = block.get('action')?.toLowerCase()
  const status = block.get('status') ?? ''
  if (action !== undefined ? !/^failed\b/.test(action) : !status.startsWith('5')) return []
  const recipient = block.get('original-recipient') ?? block.get('final-recipient') ?? ''
  const email = recipient
    .replace(/^[\w-]+\s*;/, '')
    .trim()
    .replace(/^<(.*)>$/, '$1')
  if (!email.includes('@')) return []
  const diagnostic = (block.get('diagnostic-code') ?? '').replace(/^[\w-]+\s*;/, '')
  return [{ email, words: tidy(diagnostic || `${action ?? 'failed'} ${status}`) }]
}

function idsOf({ headers, returned, texts }: BounceParts): string[] {
  const ids = [
    ...returned.map(each => each.get('message-id')),
    ...texts.flatMap(text => [...text.matchAll(/^[> ]*message-id:\s*(<[^<>\s]{1,900}>)/gim)].map(found => found[1])),
    headers.get('in-reply-to'),
    ...(headers.get('references') ?? '').split(/\s+/),
  ]
  const whole = ids.flatMap(id => /<[^<>\s]{1,900}>/.exec(id ?? '') ?? [])
  return [...new Set(whole)].slice(0, mostIds)
}

function separatorIn(text: string): number {
  return separators.exec(text)?.index ?? text.length
}

function tidy(text: string): string {
  return safeWords(text, '').replaceAll(/\s+/g, ' ').slice(0, 300).trim()
}
