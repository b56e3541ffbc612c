/** Detects messages that a server rejects: too large ones, and all of them when the mailbox is over quota. */
import { Problem } from '../../platform/problem.ts'

/** Enforces APPENDLIMIT (RFC 7889). @throws Problem `too_large`. */
export function refuseTooLarge(limit: boolean | number | undefined, sizeBytes: number): void {
  if (typeof limit !== 'number' || limit <= 0 || sizeBytes <= limit) return
  const detail = `The mail server accepts messages of at most ${limit} bytes; this one has ${sizeBytes}.`
  throw new Problem('too_large', detail, { part: 'imap' })
}

/**
 * True for an exceeded quota (RFC 9208, section 4.1.1). Gmail says OVERQUOTA also for daily bandwidth limits, which
 * pass; Cyrus and Courier send no code.
 */
export function indicatesFull(code: string, words: string): boolean {
  const isFull = code === 'OVERQUOTA' || /^(over quota|you exceeded your mail quota)\b/i.test(words)
  return isFull && !/bandwidth|command limit|too many/i.test(words)
}
