/**
 * Measures from a fault to its notice: an account's mail server goes down under the real server, and a webhook receiver
 * takes the time at which each notice arrives. `npm run bench -- alert-told`; BENCH_ROUNDS sets the rounds (6).
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { startDovecot } from '../test/support/dovecot.ts'
import { startRelay } from '../test/support/tcp-relay.ts'
import { apiKey, connectAlice, median, round, startRustyMail } from './measure.ts'

const rounds = Number(process.env.BENCH_ROUNDS ?? 6)
const windowSeconds = 15
const forSeconds = 10
const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
const pollMs = 200

/** Whether a window turns bad with its first bad sample (`min`) or only with its last (`max`). */
const aggregations = { min: 0, max: windowSeconds } as const
type Aggregation = keyof typeof aggregations

export async function alertTold(): Promise<object> {
  const dovecot = await startDovecot()
  const heard = new Map<string, (at: number) => void>()
  const receiver = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    response.writeHead(204).end()
    const { data } = JSON.parse(body) as { data: { alerts: { name: string; what: string }[] } }
    for (const { name, what } of data.alerts) if (what === 'raised') heard.get(name)?.(performance.now())
  })
  receiver.listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  let relay = await startRelay(dovecot.imapPort)
  const { port } = relay
  const server = await startRustyMail()
  const call = async (method: string, path: string, body?: object) => {
    const sent = { method, headers, ...(body && { body: JSON.stringify(body) }) }
    const response = await fetch(`${server.url}${path}`, sent)
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response.status === 204 ? undefined : ((await response.json()) as { id: string; state: string })
  }
  const told: Record<Aggregation, number[]> = { min: [], max: [] }
  try {
    const account = await connectAlice(server.url, port)
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/told`
    // With the default grouping: later notices of the same rule are grouped for a minute.
    await call('POST', '/api/dashboard/notifiers', { name: 'Program', target: { kind: 'webhook', url } })
    for (let turn = 0; turn < rounds; turn++) {
      // Waits until samples from before have left the windows; the fault falls anywhere between two samples.
      await wait((windowSeconds + 5 + Math.random() * 5) * 1000)
      const rules = Object.keys(aggregations).map(aggregation => ({
        ...{ name: `${aggregation} ${turn}`, series: 'account_ready', per: ['account_id'], aggregation },
        ...{ window_seconds: windowSeconds, comparison: 'below', threshold: 0.5, for_seconds: forSeconds },
      }))
      const made = await Promise.all(rules.map(rule => call('POST', '/api/dashboard/alert-rules', rule)))
      // The receivers are registered before the fault occurs.
      const coming = rules.map(({ name }) => new Promise<number>(resolve => heard.set(name, resolve)))
      await relay.stop()
      const fault = performance.now()
      const came = await Promise.all(coming)
      for (const [place, aggregation] of (Object.keys(aggregations) as Aggregation[]).entries()) {
        told[aggregation].push((came[place]! - fault) / 1000 - forSeconds - aggregations[aggregation])
      }
      for (const rule of made) await call('DELETE', `/api/dashboard/alert-rules/${rule!.id}`)
      relay = await startRelay(dovecot.imapPort, {}, port)
      while ((await call('GET', `/api/dashboard/accounts/${account}`))?.state !== 'ready') await wait(pollMs)
    }
  } finally {
    await server.stop()
    await relay.stop()
    await dovecot.stop()
    receiver.closeAllConnections()
    receiver.close()
  }
  const rowOf = (seconds: number[]) => ({ median_s: round(median(seconds)), most_s: round(Math.max(...seconds)) })
  return {
    what: `seconds from the end of window and \`for\` (${forSeconds} s), counted from the moment the mail server went away, until a program was told by a signed request; ${rounds} faults`,
    target: 'at most 10 s',
    'bad with the first bad sample (min over 15 s)': rowOf(told.min),
    'bad with the whole window (max over 15 s, as the starter rules)': rowOf(told.max),
  }
}
