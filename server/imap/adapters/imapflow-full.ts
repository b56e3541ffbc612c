/** What a server does not take any more: a message that is too large, and whatever it is where the mailbox is full. */
import { Problem } from '../../platform/problem.ts'

/** RFC 7889. @throws Problem too_large */
export function refuseTooLarge(limit: boolean | number | undefined, sizeBytes: number): void {
  if (typeof limit !== 'number' || limit <= 0 || sizeBytes <= limit) return
  const detail = `The mail server keeps messages of at most ${limit} bytes; this one has ${sizeBytes}.`
  throw new Problem('too_large', detail, { part: 'imap' })
}

/** RFC 9208, section 4.1.1. Gmail says OVERQUOTA also of its daily limits of bandwidth, and that passes. Cyrus and Courier have no code for it. */
export function saysFull(code: string, words: string): boolean {
  const isFull = code === 'OVERQUOTA' || /^(over quota|you exceeded your mail quota)\b/i.test(words)
  return isFull && !/bandwidth|command limit|too many/i.test(words)
}
