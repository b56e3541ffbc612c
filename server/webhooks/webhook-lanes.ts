/** Whose turn it is: endpoints that fare well and endpoints that fail have places of their own, so that those that hang hold up no other. */
import type { WebhookEndpoint } from './webhook-endpoint.ts'

class Lane {
  /** The first that came is the first whose turn it is. */
  readonly waiting = new Set<WebhookEndpoint>()
  underWay = 0
}

export class Lanes {
  readonly #atOnce: number
  readonly #fine = new Lane()
  readonly #failing = new Lane()

  /** @param atOnce In each. */
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

  /** It keeps its place in the lane in which it begins. */
  begin(endpoint: WebhookEndpoint): { end(): void } {
    const lane = this.#laneOf(endpoint)
    lane.underWay++
    return { end: () => void lane.underWay-- }
  }

  #laneOf({ isFailing }: WebhookEndpoint): Lane {
    return isFailing ? this.#failing : this.#fine
  }
}
