/** What mail servers write into an ENVELOPE where an address has no mailbox or no domain, or cannot be read: no part of an address. */

/** Of Dovecot, of Courier and others that stand on the same code (c-client), and of Cyrus. */
const mailboxes = new Set(['MISSING_MAILBOX', 'SYNTAX_ERROR', 'INVALID_ADDRESS', 'UNEXPECTED_DATA_AFTER_ADDRESS'])
const domains = new Set([
  'MISSING_DOMAIN',
  'SYNTAX_ERROR',
  '.SYNTAX-ERROR.',
  '.MISSING-HOST-NAME.',
  '.HOST-NOT-SPECIFIED.',
  'unspecified-domain',
])

/** @returns What the sender wrote: without a domain it is no address that mail could be sent to, and empty where nothing is left. */
export function withoutPlaceholders(email: string): string {
  const at = email.lastIndexOf('@')
  const [local, domain] = at < 0 ? [email, undefined] : [email.slice(0, at), email.slice(at + 1)]
  const isLocal = !mailboxes.has(local)
  if (domain === undefined) return isLocal ? email : ''
  if (domains.has(domain)) return isLocal ? local : ''
  // Beside a domain that somebody wrote only this one is written by servers; the others may be somebody's name there.
  return local === 'MISSING_MAILBOX' ? `@${domain}` : email
}
