/** Stores the places of endpoints in batches, soon after they change; what is lost in a crash is delivered again. */
import { type Lease, LeaseLost } from '../platform/lease.ts'
import type { Logger } from '../platform/logger.ts'
import type { WebhookEndpoint } from './webhook-endpoint.ts'
import type { WebhookStore } from './webhook-store.ts'

export interface WebhookPlacesOptions {
  store: Pick<WebhookStore, 'transact' | 'saveProgress'>
  findLease(): Lease | undefined
  /** Delay after the first change. */
  commitMs: number
  logger: Logger
}

const retryMs = 1_000

export class WebhookPlaces {
  readonly #options: WebhookPlacesOptions
  readonly #dirty = new Set<WebhookEndpoint>()
  #saving: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(options: WebhookPlacesOptions) {
    this.#options = options
  }

  note(endpoint: WebhookEndpoint): void {
    this.#dirty.add(endpoint)
    this.#later(this.#options.commitMs)
  }

  forget(endpoint: WebhookEndpoint): void {
    this.#dirty.delete(endpoint)
  }

  /** Resolves once a save in progress is done. */
  async settled(): Promise<void> {
    await this.#saving
  }

  /** Stores everything that was noted. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#saving
    await this.#save()
  }

  #later(ms: number): void {
    if (this.#isStopped || this.#saving) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#saving = this.#save().finally(() => {
        this.#saving = undefined
        if (this.#dirty.size > 0) this.#later(ms)
      })
    }, ms)
  }

  /** Saves all noted places. Never rejects. */
  async #save(): Promise<void> {
    const { store, findLease, logger } = this.#options
    const endpoints = [...this.#dirty]
    const lease = findLease()
    this.#dirty.clear()
    if (!lease || endpoints.length === 0) return
    const progress = endpoints.map(endpoint => endpoint.progress)
    try {
      await store.transact(async transaction => {
        await lease.fence(transaction)
        await store.saveProgress(transaction, progress)
      })
      endpoints.forEach((endpoint, index) => void endpoint.stored(progress[index]!.place))
    } catch (err) {
      if (err instanceof LeaseLost) return
      logger.warn({ err }, 'places of webhook endpoints could not be stored; they are retried')
      for (const endpoint of endpoints) if (!endpoint.isRemoved) this.#dirty.add(endpoint)
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined
        this.#later(0)
      }, retryMs)
    }
  }
}
