/**
 * Verifies and exports the trail on a thread of its own, with a connection of its own to the database: a million entries are read and
 * hashed beside the server, not by it. The thread is started for work and ended when there is none.
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
  /** After so long without work the thread ends. */
  idleMs?: number
}

/** Under way at once. Each holds one piece, of 500 entries. */
const maxExports = 8
const defaultIdleMs = 10_000
/** For letting go of the database. */
const closeMs = 1_000
const maxMemoryMb = 128
const program = threadProgram(import.meta, 'trail-worker-thread')
/** What entries, ends and the file beside the database are sealed with. */
const keyUses = ['audit ends v2', 'audit seal', 'audit input', 'audit head']

type Asked = Map<number, PromiseWithResolvers<unknown>>

export class TrailWorker implements TrailReading {
  readonly #options: TrailWorkerOptions
  /** Of the thread that there is now. */
  #asked: Asked = new Map()
  #worker: Worker | undefined
  #numbers = 0
  #exports = 0
  #idle: NodeJS.Timeout | undefined
  #ending: Promise<unknown> = Promise.resolve()

  constructor(options: TrailWorkerOptions) {
    this.#options = options
  }

  /** Whether there is a thread at this moment. */
  get isRunning(): boolean {
    return this.#worker !== undefined
  }

  async verify(own: OwnKnowledge): Promise<AuditVerdict> {
    return (await this.#ask({ kind: 'verify', own })) as AuditVerdict
  }

  /** One piece ahead of nobody: the next one is made when it is asked for. */
  async *export(filter: AuditSearch, name: ExportName): AsyncGenerator<string, void, undefined> {
    if (this.#exports >= maxExports) {
      const detail = `${maxExports} exports of the audit trail are in progress.`
      throw new Problem('overloaded', detail, { retryAfterSeconds: 10 })
    }
    this.#exports++
    const exported = ++this.#numbers
    try {
      await this.#ask({ kind: 'begin', exported, filter, name })
      for (;;) {
        const piece = await this.#ask({ kind: 'next', exported })
        if (piece === null) return
        yield piece as string
      }
    } finally {
      this.#exports--
      if (this.#worker) await this.#ask({ kind: 'end', exported }).catch(() => undefined)
    }
  }

  async stop(): Promise<void> {
    await this.#end(new Problem('draining', 'RustyMail is shutting down.'))
  }

  #ask(task: TrailTask): Promise<unknown> {
    clearTimeout(this.#idle)
    const number = ++this.#numbers
    const asked = Promise.withResolvers<unknown>()
    this.#worker ??= this.#start()
    this.#asked.set(number, asked)
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
    const asked: Asked = new Map()
    this.#asked = asked
    const resourceLimits = { maxOldGenerationSizeMb: maxMemoryMb }
    const worker = startThread(program, { workerData, resourceLimits, priority: 'background' })
    worker.on('message', (answer: TrailAnswer) => this.#take(answer, asked))
    worker.on('error', error => this.#lose(worker, error))
    worker.on('exit', () => this.#lose(worker, new Error('the thread that reads the audit trail ended')))
    return worker
  }

  #take(answer: TrailAnswer, all: Asked): void {
    const asked = all.get(answer.number)
    all.delete(answer.number)
    if ('failure' in answer) asked?.reject(toError(answer.failure))
    else asked?.resolve(answer.outcome)
    if (all !== this.#asked || all.size > 0 || this.#exports > 0) return
    const { idleMs = defaultIdleMs } = this.#options
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => void this.#end(new Error('the thread was idle')), idleMs).unref()
  }

  /** It has ended by itself. */
  #lose(worker: Worker, error: unknown): void {
    if (worker !== this.#worker) return
    this.#worker = undefined
    this.#rejectAll(error)
  }

  /** Callers that still wait hear the reason. */
  async #end(reason: Error): Promise<void> {
    clearTimeout(this.#idle)
    const worker = this.#worker
    if (!worker) return
    this.#rejectAll(reason)
    const closed = this.#ask({ kind: 'close' }).catch(() => undefined)
    // Later callers get a thread of their own.
    this.#worker = undefined
    this.#ending = Promise.all([
      this.#ending,
      Promise.race([closed, wait(closeMs, undefined, { ref: false })]).then(() => worker.terminate()),
    ])
    await this.#ending
  }

  #rejectAll(error: unknown): void {
    for (const { reject } of this.#asked.values()) reject(error)
    this.#asked.clear()
  }
}

function toError({ message, isOfDatabase, ...codes }: TrailFailure): Error {
  const error = Object.assign(new Error(message), codes)
  if (isOfDatabase) markDatabaseFault(error)
  return error
}
