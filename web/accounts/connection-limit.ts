/** The maximum number of connections of an account. */
import type { AccountConnections } from '../../contract/accounts.ts'

/**
 * `server_limit` is what the mail server was found to allow, including the watching connection; null if it never
 * refused one.
 */
type Known = AccountConnections & { server_limit?: number | null }

/** Returns the limit; 0 while nothing is known of its connections. */
export function connectionLimit({ max, server_limit: serverLimit = null }: Known): number {
  if (serverLimit !== null) return serverLimit
  // The watching connection is in addition to the command connections.
  return max === 0 ? 0 : max + 1
}
