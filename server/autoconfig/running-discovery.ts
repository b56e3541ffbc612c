/** One discovery of the servers of an address: asks all sources in parallel, and publishes each step as it ends. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Discovery, DiscoveryStep } from '../../contract/autoconfig.ts'
import { type Outcome, outcomeOfError } from './outcome.ts'
import { RankedSettings } from './ranked-settings.ts'
import type { SoughtAddress } from './sought-address.ts'
import { type Source, type SourceTools, shippedOutcome, sourcesFor } from './sources.ts'

export interface DiscoveryOptions {
  id: string
  address: SoughtAddress
  tools: SourceTools
  /** False if only our own data may be used. */
  mayQuery: boolean
}

const later = 'Asked only when the others find nothing.'

export class RunningDiscovery {
  readonly id: string
  readonly startedAtMs = Date.now()
  readonly #began = performance.now()
  readonly #options: DiscoveryOptions
  readonly #settings: RankedSettings
  readonly #steps: DiscoveryStep[] = []
  readonly #waiting = new Set<() => void>()
  readonly #anyFound = Promise.withResolvers<void>()
  #revision = 1
  #firstFoundMs: number | null = null
  #durationMs: number | null = null

  constructor(options: DiscoveryOptions) {
    this.id = options.id
    this.#options = options
    this.#settings = new RankedSettings(options.address, options.tools.providers)
  }

  get isRunning(): boolean {
    return this.#durationMs === null
  }

  /** Begins with our own data, whose result is there when this returns; the caller owns the promise of the rest. */
  begin(signal: AbortSignal): Promise<void> {
    const { address, tools, mayQuery } = this.#options
    const known = tools.providers.ofDomain(address.domain)
    const shipped = this.#addStep({ source: 'shipped', place: 'this server' })
    const nothing: Outcome = { state: 'nothing', words: `${address.domain} does not belong to a known provider.` }
    this.#end(shipped, known ? shippedOutcome(known, address) : nothing)
    const sources = sourcesFor(address, tools).map(source => ({ source, step: this.#addStep(source) }))
    if (known || !mayQuery) {
      const words = known ? 'Not needed: the provider is known.' : 'Not asked: this server uses only its own data.'
      for (const { step } of sources) this.#skip(step, words)
      this.#finish()
      return Promise.resolve()
    }
    return this.#queryAll(sources, AbortSignal.any([signal, AbortSignal.timeout(tools.times.wholeMs)]))
  }

  read(): Discovery {
    const { address } = this.#options
    return {
      id: this.id,
      email: address.email,
      domain: address.domain,
      state: this.isRunning ? 'running' : 'finished',
      revision: this.#revision,
      steps: this.#steps.map(step => ({ ...step })),
      candidates: [...this.#settings.list],
      started_at: new Date(this.startedAtMs).toISOString(),
      first_found_ms: this.#firstFoundMs,
      duration_ms: this.#durationMs,
    }
  }

  /** Waits until there is a newer revision, it is finished, or the signal aborts. */
  async changed(since: number, signal: AbortSignal): Promise<void> {
    if (this.#revision > since || !this.isRunning || signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.add(resolve)
    signal.addEventListener('abort', () => resolve(), { once: true })
    await promise
    this.#waiting.delete(resolve)
  }

  async #queryAll(all: readonly { source: Source; step: DiscoveryStep }[], signal: AbortSignal): Promise<void> {
    const [first, last] = [all.filter(({ source }) => !source.isLast), all.filter(({ source }) => source.isLast)]
    const asked = Promise.all(first.map(({ source, step }) => this.#query(source, step, signal)))
    const over = new AbortController()
    const pause = delay(this.#options.tools.times.lastAfterMs, undefined, {
      signal: AbortSignal.any([signal, over.signal]),
    }).catch(() => undefined)
    await Promise.race([asked, pause, this.#anyFound.promise])
    over.abort()
    const isFound = this.#settings.list.length > 0
    for (const { step } of isFound ? last : []) this.#skip(step, 'Not needed: settings were found already.')
    const asking = isFound ? [] : last.map(({ source, step }) => this.#query(source, step, signal))
    await Promise.all([asked, ...asking])
    this.#finish()
  }

  async #query(source: Source, step: DiscoveryStep, signal: AbortSignal): Promise<void> {
    step.words = ''
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(this.#options.tools.times.sourceMs)])
    const late = new Promise<Outcome>(resolve => {
      const end = () => resolve(outcomeOfError(undefined, true))
      if (bounded.aborted) end()
      bounded.addEventListener('abort', end, { once: true })
    })
    const answer = source.query(bounded).catch((error: unknown) => outcomeOfError(error, bounded.aborted))
    this.#end(step, await Promise.race([answer, late]))
  }

  #addStep({ source, place, isLast = false }: Pick<DiscoveryStep, 'source' | 'place'> & { isLast?: boolean }) {
    const id = `${source}-${this.#steps.length + 1}`
    const step: DiscoveryStep = { id, source, place, state: 'pending', words: isLast ? later : '', duration_ms: null }
    this.#steps.push(step)
    return step
  }

  #skip(step: DiscoveryStep, words: string): void {
    Object.assign(step, { state: 'skipped', words })
    this.#notifyWaiting()
  }

  #end(step: DiscoveryStep, outcome: Outcome): void {
    const ms = this.#elapsedMs()
    if (outcome.state === 'found') {
      this.#settings.add(step.source, outcome.found)
      this.#firstFoundMs ??= ms
      this.#anyFound.resolve()
    }
    Object.assign(step, { state: outcome.state, words: outcome.words, duration_ms: ms })
    this.#notifyWaiting()
  }

  #finish(): void {
    this.#durationMs = this.#elapsedMs()
    this.#notifyWaiting()
  }

  #notifyWaiting(): void {
    this.#revision++
    for (const resolve of this.#waiting) resolve()
  }

  #elapsedMs(): number {
    return Math.round(performance.now() - this.#began)
  }
}
