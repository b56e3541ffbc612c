/**
 * Verifies and exports the trail on a thread with its own connection to the database, so that reading and hashing a
 * million entries does not block the server. The thread is started on demand and ends when idle.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { markDatabaseFault } from '../platform/database/database-fault.ts'
import { Problem } from '../platform/problem.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import { startThread, threadProgram } from '../platform/start-thread.ts'
import type { ExportName } from './audit-export.ts'
import type { AuditSearch } from './audit-store.ts'
import type { AuditVerdict } from './audit-verdict.ts'
import type { OwnKnowledge } from './audit-verifier.ts'
import type { TrailAnswer, TrailFailure, TrailTask, TrailThreadData } from './trail-messages.ts'
import type { TrailReading } from './trail-reader.ts'

export interface TrailWorkerOptions {
  databaseUrl: string
  headFile: string | undefined
  secrets: Pick<SecretBox, 'derive'>
  /** Milliseconds without work after which the thread ends. */
  idleMs?: number
}

/** Exports in progress. Each holds one chunk of 500 entries. */
const maxExports = 8
const defaultIdleMs = 10_000
/** Milliseconds for closing the database. */
const closeMs = 1_000
const maxMemoryMb = 128
const program = threadProgram(import.meta, 'trail-worker-thread')
/** The purposes of the keys that seal entries, ends and the file beside the database. */
const keyUses = ['audit ends v2', 'audit seal', 'audit input', 'audit head']

type Requests = Map<number, PromiseWithResolvers<unknown>>

export class TrailWorker implements TrailReading {
  readonly #options: TrailWorkerOptions
  /** Requests to the current thread. */
  #requests: Requests = new Map()
  #worker: Worker | undefined
  #numbers = 0
  #exports = 0
  #idle: NodeJS.Timeout | undefined
  #ending: Promise<unknown> = Promise.resolve()

  constructor(options: TrailWorkerOptions) {
    this.#options = options
  }

  /** True while there is a thread. */
  get isRunning(): boolean {
    return this.#worker !== undefined
  }

  async verify(own: OwnKnowledge): Promise<AuditVerdict> {
    return (await this.#request({ kind: 'verify', own })) as AuditVerdict
  }

  /** Creates each chunk only on request, without reading ahead. */
  async *export(filter: AuditSearch, name: ExportName): AsyncGenerator<string, void, undefined> {
    if (this.#exports >= maxExports) {
      const detail = `${maxExports} exports of the audit trail are in progress.`
      throw new Problem('overloaded', detail, { retryAfterSeconds: 10 })
    }
    this.#exports++
    const exported = ++this.#numbers
    try {
      await this.#request({ kind: 'begin', exported, filter, name })
      for (;;) {
        const piece = await this.#request({ kind: 'next', exported })
        if (piece === null) return
        yield piece as string
      }
    } finally {
      this.#exports--
      if (this.#worker) await this.#request({ kind: 'end', exported }).catch(() => undefined)
    }
  }

  async stop(): Promise<void> {
    await this.#end(new Problem('draining', 'RustyMail is shutting down.'))
  }

  #request(task: TrailTask): Promise<unknown> {
    clearTimeout(this.#idle)
    const number = ++this.#numbers
    const asked = Promise.withResolvers<unknown>()
    this.#worker ??= this.#start()
    this.#requests.set(number, asked)
    this.#worker.postMessage({ number, task })
    return asked.promise
  }

  #start(): Worker {
    const { databaseUrl, headFile, secrets } = this.#options
    const workerData: TrailThreadData = {
      databaseUrl,
      headFile,
      keys: Object.fromEntries(keyUses.map(use => [use, secrets.derive(use)])),
    }
    const asked: Requests = new Map()
    this.#requests = asked
    const resourceLimits = { maxOldGenerationSizeMb: maxMemoryMb }
    const worker = startThread(program, { workerData, resourceLimits, priority: 'background' })
    worker.on('message', (answer: TrailAnswer) => this.#take(answer, asked))
    worker.on('error', error => this.#lose(worker, error))
    worker.on('exit', () => this.#lose(worker, new Error('the thread that reads the audit trail ended')))
    return worker
  }

  #take(answer: TrailAnswer, all: Requests): void {
    const asked = all.get(answer.number)
    all.delete(answer.number)
    if ('failure' in answer) asked?.reject(toError(answer.failure))
    else asked?.resolve(answer.outcome)
    if (all !== this.#requests || all.size > 0 || this.#exports > 0) return
    const { idleMs = defaultIdleMs } = this.#options
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => void this.#end(new Error('the thread was idle')), idleMs).unref()
  }

  /** Handles a thread that ended on its own. */
  #lose(worker: Worker, error: unknown): void {
    if (worker !== this.#worker) return
    this.#worker = undefined
    this.#rejectAll(error)
  }

  /** Ends the thread; waiting callers get the reason. */
  async #end(reason: Error): Promise<void> {
    clearTimeout(this.#idle)
    const worker = this.#worker
    if (!worker) return
    this.#rejectAll(reason)
    const closed = this.#request({ kind: 'close' }).catch(() => undefined)
    // Later callers get a new thread.
    this.#worker = undefined
    this.#ending = Promise.all([
      this.#ending,
      Promise.race([closed, wait(closeMs, undefined, { ref: false })]).then(() => worker.terminate()),
    ])
    await this.#ending
  }

  #rejectAll(error: unknown): void {
    for (const { reject } of this.#requests.values()) reject(error)
    this.#requests.clear()
  }
}

function toError({ message, isOfDatabase, ...codes }: TrailFailure): Error {
  const error = Object.assign(new Error(message), codes)
  if (isOfDatabase) markDatabaseFault(error)
  return error
}
