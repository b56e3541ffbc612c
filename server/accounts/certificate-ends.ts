/**
 * Tracks when the mail servers' certificates expire, per account. Kept in memory, since each connection reports it
 * again.
 */

/** The validity period, in epoch milliseconds. */
export interface SeenCertificate {
  from: number
  until: number
}

export type MailProtocol = 'imap' | 'smtp'

/**
 * The remaining validity of a certificate.
 * @property days Days left of a long-lived one.
 * @property percent Percent left of the life of a short-lived one.
 */
export type CertificateLeft = { account_id: string; protocol: MailProtocol } & ({ days: number } | { percent: number })

const day = 86_400_000
/** Certificates with a shorter life are renewed every few days, so the remaining share says more than the days. */
const longLifeMs = 20 * day
/**
 * The share of its life for which a short-lived certificate counts after it was seen: a connection may last for days,
 * and the server renew its certificate meanwhile.
 */
const freshShare = 0.1
const mostAccounts = 2_000

export class CertificateEnds {
  readonly #ends = new Map<string, Map<MailProtocol, SeenCertificate & { at: number }>>()

  /**
   * @param certificate Undefined if the connection has none.
   * @param at When it was shown, in epoch milliseconds.
   */
  seen(
    accountId: string,
    protocol: MailProtocol,
    certificate: SeenCertificate | undefined,
    at: number = Date.now(),
  ): void {
    const known = this.#ends.get(accountId)
    if (!certificate || !(certificate.until > certificate.from)) {
      known?.delete(protocol)
      return
    }
    if (!known && this.#ends.size >= mostAccounts) return
    this.#ends.set(accountId, (known ?? new Map()).set(protocol, { ...certificate, at }))
  }

  forget(accountId: string): void {
    this.#ends.delete(accountId)
  }

  /** Yields what is left for each account and protocol; 0 for an expired certificate. */
  *left(now: number): Generator<CertificateLeft> {
    for (const [account_id, ends] of this.#ends) {
      for (const [protocol, { from, until, at }] of ends) {
        const [life, rest] = [until - from, Math.max(0, until - now)]
        if (life >= longLifeMs) yield { account_id, protocol, days: rest / day }
        else if (now - at <= life * freshShare) yield { account_id, protocol, percent: (100 * rest) / life }
      }
    }
  }
}

/** Returns the certificate of a TLS connection; undefined for a connection without TLS. */
export function certificateOf(socket: object | false | null | undefined): SeenCertificate | undefined {
  if (!socket || !('getPeerCertificate' in socket)) return undefined
  const { valid_from: from, valid_to: until } = (socket.getPeerCertificate as () => Record<string, string>)()
  const seen = { from: Date.parse(from ?? ''), until: Date.parse(until ?? '') }
  return Number.isNaN(seen.from) || Number.isNaN(seen.until) ? undefined : seen
}
