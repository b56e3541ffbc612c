/**
 * The thread of a `TrailWorker`: reads the trail over its own connection, so that neither rows nor hashes load the main
 * thread.
 */
import { flushCompileCache } from 'node:module'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { openDatabase } from '../platform/database/database.ts'
import { isDatabaseFault } from '../platform/database/database-fault.ts'
import { AuditChain } from './audit-chain.ts'
import { AuditStore } from './audit-store.ts'
import { TrailHead } from './trail-head.ts'
import type { TrailAnswer, TrailFailure, TrailRequest, TrailTask, TrailThreadData } from './trail-messages.ts'
import { TrailReader } from './trail-reader.ts'

type Work = (task: TrailTask) => Promise<unknown>

function openTrail({ databaseUrl, headFile, keys }: TrailThreadData): Work {
  const secrets = { derive: (use: string) => Buffer.from(keys[use] ?? []) }
  const db = openDatabase(databaseUrl)
  const reader = new TrailReader({
    store: new AuditStore(db),
    chain: new AuditChain(secrets),
    head: new TrailHead({ file: headFile, secrets }),
  })
  const exports = new Map<number, AsyncGenerator<string, void, undefined>>()
  return async task => {
    switch (task.kind) {
      case 'verify':
        return reader.verify(task.own)
      case 'begin':
        exports.set(task.exported, reader.export(task.filter, task.name))
        return undefined
      case 'next':
        return (await exports.get(task.exported)?.next())?.value ?? null
      case 'end':
        await exports.get(task.exported)?.return()
        exports.delete(task.exported)
        return undefined
      case 'close':
        return db.destroy()
    }
  }
}

function serve(port: MessagePort, work: Work): void {
  port.on('message', async ({ number, task }: TrailRequest) => {
    let answer: TrailAnswer
    try {
      answer = { number, outcome: await work(task) }
    } catch (error) {
      answer = { number, failure: failureOf(error) }
    }
    port.postMessage(answer)
    flushCompileCache()
  })
}

function failureOf(error: unknown): TrailFailure {
  const { message, errcode, code }: Partial<TrailFailure> = error instanceof Error ? error : { message: String(error) }
  return { message: message ?? '', errcode, code, isOfDatabase: isDatabaseFault(error) }
}

// There is no port if the module is only being compiled.
if (parentPort) serve(parentPort, openTrail(workerData))
