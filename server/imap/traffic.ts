/** What is moved between RustyMail and a mail server, and for what: told while it happens, connection by connection. */
import type { Rank } from './connection-slots.ts'

/** `sync` is work in the background; `watch` is waiting for new mail, and asking what came. */
export type Purpose = 'sync' | 'interactive' | 'watch'

export interface TrafficObserver {
  /** @param open How many connections the account has with it. */
  opened(accountId: string, purpose: Purpose, open: number): void
  /** Bytes of IMAP: after TLS was taken off, before it was put on. */
  moved(accountId: string, purpose: Purpose, received: number, sent: number): void
}

/** Of one connection. */
export class TrafficMeter {
  readonly #tell: (purpose: Purpose, received: number, sent: number) => void
  #purpose: Purpose

  constructor(purpose: Purpose, tell: (purpose: Purpose, received: number, sent: number) => void) {
    this.#purpose = purpose
    this.#tell = tell
  }

  moved(received: number, sent: number): void {
    this.#tell(this.#purpose, received, sent)
  }

  /** From now on it works for something else. @returns What it worked for. */
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
