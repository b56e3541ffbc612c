/** Measures the traffic with mail servers by purpose, live and per connection. */
import type { Rank } from './connection-slots.ts'

/** `sync` is background work; `watch` is waiting for new mail and fetching it. */
export type Purpose = 'sync' | 'interactive' | 'watch'

export interface TrafficObserver {
  /** @param open Number of connections that the account has with this one. */
  opened(accountId: string, purpose: Purpose, open: number): void
  /** Called with bytes of IMAP, inside TLS. */
  moved(accountId: string, purpose: Purpose, received: number, sent: number): void
}

/** Counts the traffic of one connection. */
export class TrafficMeter {
  readonly #report: (purpose: Purpose, received: number, sent: number) => void
  #purpose: Purpose

  constructor(purpose: Purpose, report: (purpose: Purpose, received: number, sent: number) => void) {
    this.#purpose = purpose
    this.#report = report
  }

  moved(received: number, sent: number): void {
    this.#report(this.#purpose, received, sent)
  }

  /** Changes the purpose of the following traffic. @returns The previous purpose. */
  turnTo(purpose: Purpose): Purpose {
    const before = this.#purpose
    this.#purpose = purpose
    return before
  }
}

export function purposeOf(rank: Rank): Purpose {
  switch (rank) {
    case 'background':
      return 'sync'
    case 'interactive':
      return 'interactive'
    case 'watch':
    case 'watching':
      return 'watch'
  }
}
