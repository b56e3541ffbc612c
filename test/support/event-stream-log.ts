/** The event log of the stand-in, and how it resolves a `Last-Event-ID`. */

export interface StandInFact {
  number: number
  event: string
  data: Record<string, unknown>
}

export type Place = { after: number } | { gap: 'expired' | 'unknown_epoch' | 'malformed' }

const epoch = 'k3f9'

export class EventStreamLog {
  readonly epoch = epoch
  readonly facts: StandInFact[] = []
  readonly #step: number

  /**
   * Starts with a forgotten past, so that an id can have expired. @param step Distance between numbers; more than 1
   * leaves holes.
   */
  constructor(step = 1) {
    this.#step = step
    for (const [event, account_id] of [
      ['account_added', 'account-a'],
      ['account_added', 'account-b'],
      ['account_added', 'account-c'],
      ['mail_received', 'account-a'],
      ['configuration_updated', undefined],
      ['account_state_changed', 'account-b'],
    ] as const) {
      this.append(event, { ...(account_id && { account_id }) })
    }
  }

  get oldest(): number {
    return this.facts[0]!.number
  }

  get newest(): number {
    return this.facts.at(-1)!.number
  }

  append(event: string, data: Record<string, unknown>): StandInFact {
    const number = this.facts.length === 0 ? 41 : this.newest + this.#step
    const fact = { number, event, data: { ...data, at: new Date().toISOString() } }
    this.facts.push(fact)
    return fact
  }

  locate(id: string): Place {
    const [, of, digits] = /^([a-z0-9]{1,32})-(0|[1-9]\d{0,14})$/.exec(id) ?? []
    if (of === undefined) return { gap: 'malformed' }
    const number = Number(digits)
    if (of !== epoch || number > this.newest) return { gap: 'unknown_epoch' }
    return number + 1 < this.oldest ? { gap: 'expired' } : { after: number }
  }
}
