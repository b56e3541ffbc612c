/**
 * Schedules endpoints in two lanes, one for healthy and one for failing endpoints, so that hanging ones delay no
 * others.
 */
import type { WebhookEndpoint } from './webhook-endpoint.ts'

class Lane {
  /** Waiting endpoints, first come, first served. */
  readonly waiting = new Set<WebhookEndpoint>()
  underWay = 0
}

export class Lanes {
  readonly #atOnce: number
  readonly #fine = new Lane()
  readonly #failing = new Lane()

  /** @param atOnce Concurrent endpoints per lane. */
  constructor(atOnce: number) {
    this.#atOnce = atOnce
  }

  get underWay(): number {
    return this.#fine.underWay + this.#failing.underWay
  }

  add(endpoint: WebhookEndpoint): void {
    this.#laneOf(endpoint).waiting.add(endpoint)
  }

  delete(endpoint: WebhookEndpoint): void {
    this.#fine.waiting.delete(endpoint)
    this.#failing.waiting.delete(endpoint)
  }

  take(): WebhookEndpoint | undefined {
    for (const lane of [this.#fine, this.#failing]) {
      const [first] = lane.underWay < this.#atOnce ? lane.waiting : []
      if (!first) continue
      this.delete(first)
      return first
    }
    return undefined
  }

  /** Starts an endpoint, which counts in this lane until it ends, even if its state changes. */
  begin(endpoint: WebhookEndpoint): { end(): void } {
    const lane = this.#laneOf(endpoint)
    lane.underWay++
    return { end: () => void lane.underWay-- }
  }

  #laneOf({ isFailing }: WebhookEndpoint): Lane {
    return isFailing ? this.#failing : this.#fine
  }
}
