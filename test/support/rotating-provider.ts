/** A provider of mail accounts and its clock, for tests of when tokens are refreshed. */

import { OAuthFault, type OAuthTokens } from '../../server/mail-oauth/oauth-server.ts'
import type { TimerClock } from '../../server/platform/timer-clock.ts'

/** The clock's initial time, in epoch milliseconds. */
export const begin = Date.parse('2026-11-29T08:00:00.000Z')

/** A clock that the test advances. */
export class SteeredClock implements TimerClock {
  at = begin
  readonly #timers = new Set<{ at: number; run: () => void }>()

  now(): number {
    return this.at
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.at + Math.max(ms, 0), run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Advances from timer to timer; `settle` awaits what each of them triggers. */
  async pass(ms: number, settle: () => Promise<void>): Promise<void> {
    const end = this.at + ms
    for (;;) {
      await settle()
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)
      if (!next) break
      this.#timers.delete(next)
      this.at = Math.max(this.at, next.at)
      next.run()
    }
    this.at = end
  }
}

/** A provider that rotates refresh tokens, and treats a reused one as stolen. */
export class RotatingProvider {
  /** Time of each request, in epoch milliseconds. */
  readonly requests: number[] = []
  readonly revoked: string[] = []
  mostAtATime = 0
  fault: OAuthFault | undefined
  /** The provider with the fault; undefined for all. */
  faultAt: string | undefined
  /** Awaited by each request. */
  hold: () => Promise<unknown> = async () => undefined
  readonly #clock: TimerClock
  readonly #valid = new Map<string, string>()
  #busy = 0
  #count = 0

  constructor(clock: TimerClock) {
    this.#clock = clock
  }

  issue(name: string): OAuthTokens {
    const [accessToken, refreshToken] = [`access-${name}-${++this.#count}`, `refresh-${name}-${this.#count}`]
    this.#valid.set(name, refreshToken)
    const who = { subject: undefined, email: undefined }
    return { accessToken, refreshToken, expiresInSeconds: 3_600, scopes: ['https://mail.google.com/'], ...who }
  }

  readonly server = {
    refresh: async (provider: { id: string } | undefined, refreshToken: string): Promise<OAuthTokens> => {
      this.requests.push(this.#clock.now())
      this.mostAtATime = Math.max(this.mostAtATime, ++this.#busy)
      try {
        await this.hold()
        if (this.fault && (this.faultAt ?? provider?.id) === provider?.id) throw this.fault
        const name = refreshToken.split('-')[1]!
        if (this.#valid.get(name) === refreshToken) return this.issue(name)
        this.#valid.delete(name)
        throw new OAuthFault('revoked', new Error('invalid_grant'), [])
      } finally {
        this.#busy--
      }
    },
    revoke: async (_provider: unknown, token: string): Promise<boolean> => {
      this.revoked.push(token)
      return true
    },
  }
}
