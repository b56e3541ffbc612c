/** When the certificates end that the mail servers of the accounts showed last. Lives in memory: each connection says it again. */

/** Epoch milliseconds. */
export interface SeenCertificate {
  from: number
  until: number
}

export type MailProtocol = 'imap' | 'smtp'

/** @property days Of one that lives long. @property percent Of its life, of one that lives short. */
export type CertificateLeft = { account_id: string; protocol: MailProtocol } & ({ days: number } | { percent: number })

const day = 86_400_000
/** One that lives shorter is renewed every few days: how many it has left says nothing, but the share of its life does. */
const longLifeMs = 20 * day
/** A connection may last for days, and its server have another certificate meanwhile: of its life, one that lives short counts for this share. */
const freshShare = 0.1
const mostAccounts = 2_000

export class CertificateEnds {
  readonly #ends = new Map<string, Map<MailProtocol, SeenCertificate & { at: number }>>()

  /** @param certificate Undefined where the connection has none. @param at When it was shown, in epoch milliseconds. */
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

  /** What is left of each account and protocol; 0 for one that is over. */
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

/** What a TLS connection was shown; undefined for a connection without. */
export function certificateOf(socket: object | false | null | undefined): SeenCertificate | undefined {
  if (!socket || !('getPeerCertificate' in socket)) return undefined
  const { valid_from: from, valid_to: until } = (socket.getPeerCertificate as () => Record<string, string>)()
  const seen = { from: Date.parse(from ?? ''), until: Date.parse(until ?? '') }
  return Number.isNaN(seen.from) || Number.isNaN(seen.until) ? undefined : seen
}
