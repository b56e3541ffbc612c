/**
 * When each program last read mail of a stranger: its words may be those of that stranger from then on. What counts is what the server itself
 * delivered, never what a program says of it. What cannot be told by its sender counts as a stranger's.
 */
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import type { PolicyStore } from './policy-store.ts'

export interface StrangerReadsOptions {
  store: Pick<PolicyStore, 'listStrangerReads' | 'saveStrangerReads'>
  /** Those of the addresses to which the account wrote before. */
  writtenTo(accountId: string, emails: readonly string[]): Promise<ReadonlySet<string>>
  now(): number
  logger: Logger
}

/** A text that a program is shown again. */
export interface Written {
  /** Its principal. */
  by: string
  /** It answers, quotes or attaches mail, or says what came back. */
  repeatsOthers: boolean
  /** In epoch milliseconds. */
  begunAt: number
}

/** The longest time that a policy asks for. */
const rememberedMs = 1_440 * 60_000
/** So far what is stored may be behind. */
export const storeEveryMs = 10_000
/** Programs remembered: there are at most 1,000 tokens. Past it the one that read longest ago is forgotten. */
const mostKnown = 2_000
/** Looks at senders under way; past it what is read counts as a stranger's. */
const mostLooks = 100

export class StrangerReads {
  readonly #options: StrangerReadsOptions
  readonly #stopped = new AbortController()
  /** The one that read longest ago first. */
  readonly #reads = new Map<string, number>()
  readonly #unstored = new Set<string>()
  /** By principal: whether those of whom it read are strangers is being looked up. */
  readonly #looks = new Map<string, Set<Promise<void>>>()
  #lookCount = 0
  #storing: Promise<void> | undefined
  #heard: (principalId: string) => void = () => undefined

  constructor(options: StrangerReadsOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { store, logger } = this.#options
    for (const { principal_id: id, at } of await store.listStrangerReads()) {
      // What was read after the last time that it was stored is not lost.
      this.#reads.set(id, Math.min(this.#options.now(), Date.parse(at) + storeEveryMs))
    }
    const failed = (err: unknown) => logger.error({ err }, 'reads of strangers’ mail could not be stored')
    every(storeEveryMs, this.#stopped.signal, () => void this.#store().catch(failed), failed)
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#store().catch((err: unknown) => {
      this.#options.logger.error({ err }, 'reads of strangers’ mail could not be stored')
    })
  }

  /** Hears of each read. */
  onRead(listener: (principalId: string) => void): void {
    this.#heard = listener
  }

  /** @param senders Of all that is shown; undefined where that is not known. */
  note(principalId: string, accountId: string | undefined, senders: readonly string[] | undefined): void {
    if (senders?.length === 0) return
    if (senders === undefined || accountId === undefined) return this.#remember(principalId)
    this.#lookUp(principalId, async () => {
      const known = await this.#options.writtenTo(accountId, senders)
      return senders.some(email => !known.has(email))
    })
  }

  /**
   * Of what programs wrote and are shown again. It is in their own words if they had read no stranger's when they wrote it, or in so long a time
   * before. Of what was written longer ago than reads are remembered, that is not known.
   */
  noteWritten(principalId: string, windowMs: number, find: () => Promise<readonly Written[]>): void {
    const before = [...(this.#looks.get(principalId) ?? [])]
    this.#lookUp(principalId, async () => {
      await Promise.all(before)
      const texts = await find()
      const read = this.#reads.get(principalId) ?? Number.NEGATIVE_INFINITY
      const rememberedSince = this.#options.now() - rememberedMs
      return texts.some(({ by, repeatsOthers, begunAt }) => {
        return repeatsOthers || by !== principalId || begunAt < rememberedSince || read >= begunAt - windowMs
      })
    })
  }

  /** In epoch milliseconds, of all that was delivered before this was asked. */
  async last(principalId: string): Promise<number | undefined> {
    await Promise.all(this.#looks.get(principalId) ?? [])
    return this.#reads.get(principalId)
  }

  /** @param isStrangers What fails counts as a stranger's. */
  #lookUp(principalId: string, isStrangers: () => Promise<boolean>): void {
    if (this.#lookCount >= mostLooks) return this.#remember(principalId)
    const looks = this.#looks.get(principalId) ?? new Set()
    this.#looks.set(principalId, looks)
    this.#lookCount++
    const look = isStrangers()
      .catch(() => true)
      .then(is => {
        if (is) this.#remember(principalId)
        this.#lookCount--
        looks.delete(look)
        if (looks.size === 0) this.#looks.delete(principalId)
      })
    looks.add(look)
  }

  #remember(principalId: string): void {
    this.#reads.delete(principalId)
    this.#reads.set(principalId, this.#options.now())
    this.#unstored.add(principalId)
    this.#heard(principalId)
    const [oldest] = this.#reads.keys()
    if (this.#reads.size > mostKnown && oldest !== undefined) this.#reads.delete(oldest)
  }

  async #store(): Promise<void> {
    await this.#storing
    if (this.#unstored.size === 0) return
    const ids = [...this.#unstored]
    this.#unstored.clear()
    const rows = ids.flatMap(principal_id => {
      const at = this.#reads.get(principal_id)
      return at === undefined ? [] : [{ principal_id, at: new Date(at).toISOString() }]
    })
    const before = new Date(this.#options.now() - rememberedMs - storeEveryMs).toISOString()
    this.#storing = this.#options.store.saveStrangerReads(rows, before)
    try {
      await this.#storing
    } catch (error) {
      for (const id of ids) this.#unstored.add(id)
      throw error
    } finally {
      this.#storing = undefined
    }
  }
}
