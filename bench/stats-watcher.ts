/**
 * A thread that requests the stats on a fixed schedule: it sees the server's delays, not those of the flood beside it.
 */
import { Agent, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'

/** Input of the thread. */
export interface StatsWatch {
  url: string
  authorization: string
  everyMs: number
}

export interface WatchedAnswer {
  status: number
  ms: number
  /** Whether a connection was opened for it: Node accepts one new connection in each turn of its loop. */
  isNew: boolean
}

const { url, authorization, everyMs } = workerData as StatsWatch
const connections = 16
/** One in this many requests opens a connection of its own. */
const newEvery = 10
const agent = new Agent({ keepAlive: true, maxSockets: connections })
const answers: Promise<WatchedAnswer>[] = []
const stopped = new AbortController()
parentPort?.once('message', () => stopped.abort())

// Kept connections are open before it begins; the first answers load what is loaded once.
await Promise.all(Array.from({ length: connections }, () => ask(performance.now(), false)))
parentPort?.postMessage('started')

/** Sends on schedule, whether or not the answer before has come, so that waiting is not hidden. */
for (let due = performance.now(), count = 1; !stopped.signal.aborted; due += everyMs, count++) {
  await wait(Math.max(0, due - performance.now()))
  const answered = ask(due, count % newEvery === 0)
  // A rejection is handled when all are awaited.
  answered.catch(() => undefined)
  answers.push(answered)
}
parentPort?.postMessage(await Promise.all(answers).finally(() => agent.destroy()))

function ask(due: number, isNew: boolean): Promise<WatchedAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<WatchedAnswer>()
  const sent = request(url, { agent: isNew ? false : agent, headers: { authorization } }, response => {
    response.resume()
    response.once('end', () => resolve({ status: response.statusCode ?? 0, ms: performance.now() - due, isNew }))
  })
  sent.once('error', reject)
  sent.end()
  return promise
}
