/** When the certificates end that the mail servers of the accounts showed last. Lives in memory: each connection says it again. */

/** Epoch milliseconds. */
export interface SeenCertificate {
  from: number
  until: number
}

export type MailProtocol = 'imap' | 'smtp'

const day = 86_400_000
/** One that lives shorter is renewed every few days: how many it has left says nothing. */
const leastLifeMs = 20 * day
const mostAccounts = 2_000

export class CertificateEnds {
  readonly #ends = new Map<string, Map<MailProtocol, number>>()

  /** @param certificate Undefined where the connection has none. */
  seen(accountId: string, protocol: MailProtocol, certificate: SeenCertificate | undefined): void {
    const known = this.#ends.get(accountId)
    if (!certificate || !(certificate.until - certificate.from >= leastLifeMs)) {
      known?.delete(protocol)
      return
    }
    if (!known && this.#ends.size >= mostAccounts) return
    this.#ends.set(accountId, (known ?? new Map()).set(protocol, certificate.until))
  }

  forget(accountId: string): void {
    this.#ends.delete(accountId)
  }

  /** Days that are left, of each account and protocol; 0 for one that is over. */
  *daysLeft(now: number): Generator<{ account_id: string; protocol: MailProtocol; days: number }> {
    for (const [account_id, ends] of this.#ends) {
      for (const [protocol, end] of ends) yield { account_id, protocol, days: Math.max(0, (end - now) / day) }
    }
  }
}

/** What a TLS connection was shown; undefined for a connection without. */
export function certificateOf(socket: object | false | null | undefined): SeenCertificate | undefined {
  if (!socket || !('getPeerCertificate' in socket)) return undefined
  const { valid_from: from, valid_to: until } = (socket.getPeerCertificate as () => Record<string, string>)()
  const seen = { from: Date.parse(from ?? ''), until: Date.parse(until ?? '') }
  return Number.isNaN(seen.from) || Number.isNaN(seen.until) ? undefined : seen
}
