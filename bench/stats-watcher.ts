/** A thread of its own that asks for the figures on a fixed schedule: what it sees is the server, not the flood beside it. */
import { Agent, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'

/** What it is given. */
export interface StatsWatch {
  url: string
  authorization: string
  everyMs: number
}

/** What it answers when it is told to stop. */
export interface WatchedAnswer {
  status: number
  ms: number
}

const { url, authorization, everyMs } = workerData as StatsWatch
const agent = new Agent({ keepAlive: true, maxSockets: 16 })
const answers: Promise<WatchedAnswer>[] = []
const stopped = new AbortController()
parentPort?.once('message', () => stopped.abort())

// The first answer loads what is loaded once, here and there.
await ask(performance.now())
parentPort?.postMessage('started')

/** On the schedule, whether or not the answer before has come: waiting cannot hide. */
for (let due = performance.now(); !stopped.signal.aborted; due += everyMs) {
  await wait(Math.max(0, due - performance.now()))
  const answered = ask(due)
  // Heard of when all are awaited.
  answered.catch(() => undefined)
  answers.push(answered)
}
parentPort?.postMessage(await Promise.all(answers).finally(() => agent.destroy()))

function ask(due: number): Promise<WatchedAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<WatchedAnswer>()
  const sent = request(url, { agent, headers: { authorization } }, response => {
    response.resume()
    response.once('end', () => resolve({ status: response.statusCode ?? 0, ms: performance.now() - due }))
  })
  sent.once('error', reject)
  sent.end()
  return promise
}
