/**
 * Discovers the servers of addresses for callers: a bounded number of discoveries, each kept for a while for its
 * caller.
 */
import { randomBytes } from 'node:crypto'
import type { Discovery } from '../../contract/autoconfig.ts'
import { refuseNarrow } from '../accounts/account-rules.ts'
import type { Logger } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { RunningDiscovery } from './running-discovery.ts'
import type { ShippedProviders } from './shipped-providers.ts'
import { parseSoughtAddress } from './sought-address.ts'
import type { SourceTools } from './sources.ts'

export interface DiscoveryServiceOptions {
  providers: ShippedProviders
  tools: Omit<SourceTools, 'providers'>
  /** False if only our own data may be used. */
  mayQuery: boolean
  now(): number
  logger: Logger
}

const keptMs = 10 * 60_000
const mostKept = 64
const mostRunning = 16
/** Running discoveries of one caller; a person looks for one address at a time. */
const mostRunningOfOne = 4

interface Kept {
  principalId: string
  discovery: RunningDiscovery
  done: Promise<void>
}

export class DiscoveryService {
  readonly #options: DiscoveryServiceOptions
  /** The discoveries, oldest first. */
  readonly #kept = new Map<string, Kept>()
  readonly #stopping = new AbortController()

  constructor(options: DiscoveryServiceOptions) {
    this.#options = options
  }

  /** Starts a discovery, or returns the running one of the same caller and address, so that nothing is asked twice. */
  async start(principal: Principal, email: string): Promise<Discovery> {
    refuseNarrow(principal, 'Looking for the servers of an address')
    const address = parseSoughtAddress(email)
    const { providers, mayQuery } = this.#options
    const tools = { ...this.#options.tools, providers: await providers.table() }
    const running = [...this.#kept.values()].filter(({ discovery }) => discovery.isRunning)
    const own = running.filter(({ principalId }) => principalId === principal.id)
    const same = own.find(({ discovery }) => discovery.read().email === address.email)
    if (same) return same.discovery.read()
    if (running.length >= mostRunning || own.length >= mostRunningOfOne || this.#stopping.signal.aborted) {
      throw new Problem('overloaded', 'Too many discoveries are running; try again in a few seconds.', {
        retryAfterSeconds: 5,
      })
    }
    this.#forgetOld()
    const discovery = new RunningDiscovery({ id: `d${randomBytes(8).toString('hex')}`, address, tools, mayQuery })
    const done = discovery.begin(this.#stopping.signal).then(
      () => this.#log(discovery),
      // A bug: the result stays incomplete, and ends for its caller when it is evicted.
      (error: unknown) => this.#options.logger.error({ error }, 'the discovery of mail servers failed'),
    )
    this.#kept.set(discovery.id, { principalId: principal.id, discovery, done })
    return discovery.read()
  }

  /** @param waitMs How long to wait for a later revision while it is running. */
  async get(
    principal: Principal,
    id: string,
    { since, waitMs }: { since: number; waitMs: number },
    signal: AbortSignal,
  ) {
    refuseNarrow(principal, 'Looking for the servers of an address')
    this.#forgetOld()
    const kept = this.#kept.get(id)
    if (!kept || kept.principalId !== principal.id) {
      throw new Problem('not_found', 'There is no such discovery, or it ended more than ten minutes ago.')
    }
    const { discovery } = kept
    const bounded = AbortSignal.any([signal, this.#stopping.signal, AbortSignal.timeout(waitMs)])
    if (waitMs > 0) await discovery.changed(since, bounded)
    return discovery.read()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#options.tools.names.cancel()
    await Promise.all([...this.#kept.values()].map(({ done }) => done))
    this.#kept.clear()
  }

  #forgetOld(): void {
    const oldest = this.#options.now() - keptMs
    for (const [id, { discovery }] of this.#kept) {
      const isFull = this.#kept.size >= mostKept && !discovery.isRunning
      if (isFull || discovery.startedAtMs < oldest) this.#kept.delete(id)
    }
  }

  /** Logs neither the address nor its domain, since whose mailboxes are connected is private. */
  #log(discovery: RunningDiscovery): void {
    const { candidates, first_found_ms: firstFoundMs, duration_ms: durationMs } = discovery.read()
    const [best] = candidates
    this.#options.logger.info({ source: best?.source ?? null, firstFoundMs, durationMs }, 'looked for mail servers')
  }
}
