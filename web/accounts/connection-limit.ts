/** The most connections that an account can have now. */
import type { AccountConnections } from '../../contract/accounts.ts'

/** What the mail server was found to allow, the watching connection included; null where it never refused one. */
type Known = AccountConnections & { server_limit?: number | null }

/** 0 while nothing is known of its connections. */
export function connectionLimit({ max, server_limit: serverLimit = null }: Known): number {
  if (serverLimit !== null) return serverLimit
  // The watching connection stands beside the command connections.
  return max === 0 ? 0 : max + 1
}
