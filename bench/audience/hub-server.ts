/**
 * A hub on a database of its own behind bare HTTP, and streams whose bytes are discarded. Its parent steers it by
 * messages; the first argument is the database URL. GET /?account=<id> opens a stream of a principal that sees only
 * this account.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { Fact } from '../../contract/event.ts'
import { EventHub } from '../../server/events/event-hub.ts'
import { EventLog } from '../../server/events/event-log.ts'
import { EventStore } from '../../server/events/event-store.ts'
import { migrations } from '../../server/migrations.ts'
import { openServerDatabase } from '../../server/platform/database/database.ts'
import { DatabaseHealth } from '../../server/platform/database/database-health.ts'
import { migrate } from '../../server/platform/database/migrate.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { everyScope, type Principal } from '../../server/platform/principal.ts'

const bounds = { heartbeatSeconds: 15, maxStreams: 20_000, maxStreamsPerPrincipal: 50, maxStreamAgeMs: 3_600_000 }
const logger = createLogger('warn')
const db = openServerDatabase({
  url: process.argv[2]!,
  observer: new DatabaseHealth(),
  died: error => {
    throw error
  },
})
await migrate(db, migrations)
const log = new EventLog({
  store: new EventStore(db),
  logger,
  heldInMemory: 10_000,
  keep: 1_000_000,
  keepMs: 86_400_000,
})
const hub = new EventHub({ log, logger, ...bounds })
await hub.start()

const everything = { types: undefined, accounts: undefined }
const observer = { clientId: 'c', sent: () => undefined, dropped: () => undefined, closed: () => undefined }
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
/**
 * The most CPU time of this thread between two checks a millisecond apart: how long the loop was blocked, whatever
 * other load the machine had.
 */
let stoodMs = 0
let cpuAtLook = threadCpuMs()
setInterval(() => {
  const cpu = threadCpuMs()
  stoodMs = Math.max(stoodMs, cpu - cpuAtLook)
  cpuAtLook = cpu
}, 1)

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

function personWith(account: string): Principal {
  const accounts = new Set([account])
  return { id: `token-${account}`, name: account, kind: 'token', userId: account, scopes: everyScope, accounts }
}

/** Returns a fact that carries the time at which it was due, in milliseconds of this process. */
function mail(account: string, due = 0): Fact {
  const at = new Date().toISOString()
  const data = { account_id: account, folder: 'INBOX', uid: 1, uid_validity: 1, at, due, pad: 'x'.repeat(100) }
  return { type: 'mail_received', data }
}

const server = createServer((request, response) => {
  const account = new URL(request.url!, 'http://x').searchParams.get('account')!
  const socket = response.socket!
  response.detachSocket(socket)
  socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n')
  const lastEventId = request.headers['last-event-id'] as string | undefined
  const principal = personWith(account)
  hub.subscribe({ principal, filter: everything, socket, observer, lastEventId })
})

const latencies: number[] = []

/** Accepts all writes, and notes the delay of facts. */
function sink(): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      for (const [, due] of chunk.toString().matchAll(/"due":([1-9][\d.]*)/g)) {
        latencies.push(performance.now() - Number(due))
      }
      done()
    },
  })
}

const reached = async (number: number) => {
  while (log.newest < number) await new Promise(setImmediate)
}

/**
 * Commits facts that no stream sees, and returns their CPU time. It waits for a listener instead of polling the log,
 * which would cost more than the fact.
 */
async function unseen(count: number, atOnce: number): Promise<object> {
  const began = process.cpuUsage()
  for (let sent = 0; sent < count; sent += atOnce) {
    const heard = Promise.withResolvers<void>()
    let left = atOnce
    const stop = hub.listen('mail_received', () => --left === 0 && heard.resolve())
    for (let index = 0; index < atOnce; index++) hub.publish(mail('nobody'))
    await heard.promise
    stop()
  }
  // Lets the hub finish its walk over the streams.
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  const { user, system } = process.cpuUsage(began)
  return { cpu_us_per_fact: (user + system) / count }
}

const deeds: Record<string, (count: number) => Promise<object>> = {
  /** Appends facts of a thousand accounts, spread evenly. */
  fill: async count => {
    const began = process.cpuUsage()
    for (let index = 0; index < count; index++) {
      hub.publish(mail(`a${index % 1_000}`))
      if (index % 5_000 === 4_999) await reached(index + 1)
    }
    await reached(count)
    const { user, system } = process.cpuUsage(began)
    // Memory is given back meanwhile, so that later measurements do not pay for it.
    await wait(500)
    return { epoch: log.epoch, newest: log.newest, cpu_us_per_fact: (user + system) / count }
  },
  /** Opens streams up to this total, each of a user with an account of its own. */
  streams: async count => {
    for (let index = hub.streamCount; index < count; index++) {
      const socket = sink() as unknown as Parameters<EventHub['subscribe']>[0]['socket']
      const principal = personWith(`a${index}`)
      hub.subscribe({ principal, filter: everything, socket, observer, lastEventId: undefined })
      if (index % 100 === 0) await new Promise(setImmediate)
    }
    await wait(500)
    return {}
  },
  /** Commits facts that no stream sees, one after the other. */
  unseen: count => unseen(count, 1),
  /** Commits such facts ten at a time, which share a commit. */
  unseenTogether: count => unseen(count, 10),
  /** Publishes a thousand facts a second for `seconds`, each for one stream. */
  sparse: async seconds => {
    latencies.length = 0
    delay.reset()
    const began = performance.now()
    const cpu = process.cpuUsage()
    let sent = 0
    while (sent < seconds * 1_000) {
      for (; began + sent < performance.now() && sent < seconds * 1_000; sent++) {
        hub.publish(mail(`a${(sent * 7) % 10_000}`, began + sent))
      }
      await wait(1)
    }
    while (latencies.length < sent) await wait(1)
    const { user, system } = process.cpuUsage(cpu)
    const sorted = latencies.toSorted((a, b) => a - b)
    const tookMs = performance.now() - began
    return {
      p50_ms: sorted[Math.floor(sorted.length / 2)],
      p99_ms: sorted[Math.floor(sorted.length * 0.99)],
      cores: (user + system) / 1_000 / tookMs,
      loop_max_ms: delay.max / 1e6,
    }
  },
  /** Returns the figures since the last call. */
  loop: async () => {
    const [loop_max_ms, loop_p99_ms] = [delay.max / 1e6, delay.percentile(99) / 1e6]
    const result = { loop_max_ms, loop_p99_ms, loop_cpu_max_ms: stoodMs, streams: hub.streamCount }
    delay.reset()
    stoodMs = 0
    cpuSince = process.cpuUsage(cpuBefore)
    cpuBefore = process.cpuUsage()
    return { ...result, cpu_ms: (cpuSince.user + cpuSince.system) / 1_000 }
  },
}
let cpuBefore = process.cpuUsage()
let cpuSince = cpuBefore

server.listen(0, '127.0.0.1', 4_096, () => process.send!({ port: (server.address() as AddressInfo).port }))
process.on('message', ({ deed, count }: { deed: string; count: number }) => {
  void deeds[deed]!(count).then(result => process.send!(result))
})
process.once('disconnect', async () => {
  await hub.stop()
  await db.destroy()
  process.exit(0)
})
