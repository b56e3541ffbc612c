/** What a mail server can be asked to search a folder for: the keys of IMAP SEARCH (RFC 9051, section 6.4.4), joined in any way. */
import type { Flag } from '../../contract/mail.ts'

export type SearchTerm =
  | { kind: 'and' | 'or'; terms: readonly SearchTerm[] }
  | { kind: 'not'; term: SearchTerm }
  | SearchKey

export type SearchKey =
  /** In subject, From, To or Cc; with `inBody` in the text as well. */
  | { kind: 'text'; text: string; inBody: boolean }
  | { kind: 'from' | 'to' | 'cc' | 'bcc' | 'subject' | 'body'; text: string }
  | { kind: 'flag'; flag: Flag; isSet: boolean }
  | { kind: 'keyword'; keyword: string }
  /** `after` is that day or later, `before` earlier than it: `2026-11-22`. */
  | { kind: 'after' | 'before'; day: string }
  | { kind: 'larger' | 'smaller'; bytes: number }

/** An atom (RFC 9051, section 9): no message has a keyword with other characters. */
export function isKeyword(word: string): boolean {
  return /^[\x21-\x7e]+$/.test(word) && !/[(){%*"\\\]]/.test(word)
}
