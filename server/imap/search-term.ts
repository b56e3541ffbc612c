/** Search terms that a mail server can evaluate: the keys of IMAP SEARCH (RFC 9051, section 6.4.4), combined freely. */
import type { Flag } from '../../contract/mail.ts'

export type SearchTerm =
  | { kind: 'and' | 'or'; terms: readonly SearchTerm[] }
  | { kind: 'not'; term: SearchTerm }
  | SearchKey

export type SearchKey =
  /** Matches subject, From, To or Cc; with `inBody` the text as well. */
  | { kind: 'text'; text: string; inBody: boolean }
  | { kind: 'from' | 'to' | 'cc' | 'bcc' | 'subject' | 'body'; text: string }
  | { kind: 'flag'; flag: Flag; isSet: boolean }
  | { kind: 'keyword'; keyword: string }
  /** `after` matches that day or later, `before` earlier days: `2026-11-22`. */
  | { kind: 'after' | 'before'; day: string }
  | { kind: 'larger' | 'smaller'; bytes: number }

/** True for an atom (RFC 9051, section 9): no keyword contains other characters. */
export function isKeyword(word: string): boolean {
  return /^[\x21-\x7e]+$/.test(word) && !/[(){%*"\\\]]/.test(word)
}
