/** Throttles requests to one provider: few in flight, a little apart, and none while it is down. */
import { doubledMs } from '../platform/doubling.ts'
import { Problem } from '../platform/problem.ts'
import { pauseOn, type TimerClock } from '../platform/timer-clock.ts'
import { OAuthFault } from './oauth-server.ts'

/** Requests in flight at one provider. */
export const requestsAtATime = 4
/** Milliseconds between the starts of two requests: 20 a second. */
export const apartMs = 50
/** Queued requests; a further one is refused. */
const maxWaiting = 10_000
/** Back-off in ms after a provider does not respond, doubled after each further failure. */
const firstRestMs = 1_000
const maxRestMs = 5 * 60_000

export class ProviderPace {
  readonly #clock: TimerClock
  readonly #stopped: AbortSignal
  readonly #name: string
  readonly #waiting: (() => void)[] = []
  #busy = 0
  #nextAt = 0
  #failures = 0
  #restsUntil = 0
  #lastFault: OAuthFault | undefined

  constructor(name: string, clock: TimerClock, stopped: AbortSignal) {
    this.#name = name
    this.#clock = clock
    this.#stopped = stopped
  }

  /** The end of the back-off, in epoch milliseconds. */
  get restsUntil(): number {
    return this.#restsUntil
  }

  /** Called after a change that makes a new attempt worthwhile. */
  reset(): void {
    this.#failures = 0
    this.#restsUntil = 0
  }

  /** @throws Problem sign_in_provider while the provider rests, and whatever the request throws. */
  async run<T>(request: () => Promise<T>): Promise<T> {
    this.#refuseAtRest()
    await this.#turn()
    try {
      // Another request may have failed meanwhile.
      this.#refuseAtRest()
      await this.#wait()
      const answer = await request()
      this.reset()
      return answer
    } catch (error) {
      if (error instanceof OAuthFault) this.#note(error)
      throw error
    } finally {
      this.#busy--
      this.#waiting.shift()?.()
    }
  }

  async #turn(): Promise<void> {
    if (this.#waiting.length >= maxWaiting)
      throw providerUnreachable(`Too many accounts wait for the sign-in of ${this.#name}.`)
    while (this.#busy >= requestsAtATime) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.push(resolve)
      await promise
    }
    this.#busy++
  }

  async #wait(): Promise<void> {
    const now = this.#clock.now()
    const at = Math.max(now, this.#nextAt)
    this.#nextAt = at + apartMs
    if (at > now) await pauseOn(this.#clock, at - now, this.#stopped)
    if (this.#stopped.aborted) throw new Problem('draining', 'RustyMail is stopping.')
  }

  #refuseAtRest(): void {
    if (this.#stopped.aborted) throw new Problem('draining', 'RustyMail is stopping.')
    if (this.#clock.now() >= this.#restsUntil) return
    throw providerProblem(this.#name, this.#lastFault)
  }

  /** Ignores faults of a single grant, which must not slow down the others. */
  #note(fault: OAuthFault): void {
    if (fault.kind !== 'away' && fault.kind !== 'client') return
    const restMs = doubledMs(this.#failures, firstRestMs, maxRestMs)
    const asked = Math.min((fault.retryAfterSeconds ?? 0) * 1_000, maxRestMs)
    this.#failures++
    this.#restsUntil = this.#clock.now() + Math.max(restMs, asked)
    this.#lastFault = fault
  }
}

/** Returns the problem in words for a person who investigates why an account does not work. */
export function providerProblem(name: string, fault: OAuthFault | undefined): Problem {
  if (fault?.kind === 'client') {
    const detail = `${name} does not accept the client id or secret of this server; an administrator has to check them under Configuration.`
    return providerUnreachable(detail, fault)
  }
  if (fault?.kind === 'refused') return providerUnreachable(`${name} sent an invalid response.`, fault)
  if (fault?.kind === 'denied') return providerUnreachable(`${name} refuses to give access.`, fault)
  return providerUnreachable(`The sign-in of ${name} cannot be reached at the moment.`, fault)
}

function providerUnreachable(detail: string, cause?: OAuthFault): Problem {
  return new Problem('mail_server_unreachable', detail, {
    fault: 'sign_in_provider',
    ...(cause ? { server_response: cause.message, cause } : {}),
  })
}
