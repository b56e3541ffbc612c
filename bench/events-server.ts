/**
 * The real server with a publisher inside, for the event benchmarks. It is controlled on a port of its own: GET
 * /rate?k=<events a second>, /append?seconds=, /state, and /memory after a garbage collection (with --expose-gc).
 * `--watch-blocked` notes how long writes are blocked, for few streams. `--tls` serves HTTPS.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Fact } from '../contract/event.ts'
import { createApp } from '../server/app.ts'
import { loadConfig } from '../server/config.ts'
import { createLogger } from '../server/platform/logger.ts'
import { runBundledThreads } from '../test/support/bundled-threads.ts'
import { watchBlocked } from './events/watch-blocked.ts'
import { apiKey, unlimited } from './measure.ts'
import { serverBundle } from './server-bundle.ts'

/** Uncommitted facts that may queue when publishing at full speed; the log drops them at 50,000. */
const maxUncommitted = 5_000

const dataDir = mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
const environment = {
  RUSTYMAIL_PORT: '0',
  RUSTYMAIL_DATA_DIR: dataDir,
  RUSTYMAIL_API_KEY: apiKey,
  RUSTYMAIL_MAX_STREAMS_PER_PRINCIPAL: '20000',
  RUSTYMAIL_TRUSTED_PROXIES: '127.0.0.1',
  ...unlimited,
}
if (process.argv.includes('--tls')) Object.assign(environment, makeCertificate())
// A thread that starts while memory is measured would add tens of MiB.
runBundledThreads(await serverBundle())
const app = createApp(loadConfig([], environment), { logger: createLogger('warn') })
await app.start()

let number = 0
let timer: NodeJS.Timeout | undefined
let publishing: { rate: number; from: number } | undefined
const phases: object[] = []
const delay = monitorEventLoopDelay({ resolution: 1 })
const blocked = process.argv.includes('--watch-blocked') ? watchBlocked(app.http.fastify.server) : []

/**
 * Returns a fact of about 300 bytes of JSON; `t` is when it was due (ns of CLOCK_MONOTONIC), so that a blocked loop
 * cannot hide its delay.
 */
function factDueAt(due: bigint): Fact {
  const data = { account_id: 'bench', folder: 'INBOX', uid: ++number, uid_validity: 1, at: new Date().toISOString() }
  return { type: 'mail_received', data: { ...data, t: Number(due), pad: 'x'.repeat(160) } as typeof data }
}

function publishAt(rate: number): void {
  clearTimeout(timer)
  endPhase()
  if (rate <= 0) return
  publishing = { rate, from: Date.now() }
  // Measures from here on, without the delays of opening streams.
  delay.reset()
  const step = BigInt(Math.round(1e9 / rate))
  let due = process.hrtime.bigint() + step
  const tick = () => {
    for (let now = process.hrtime.bigint(); due <= now; due += step) app.hub.publish(factDueAt(due))
    timer = setTimeout(tick, Math.max(1, Math.floor(Number(due - process.hrtime.bigint()) / 1e6)))
  }
  tick()
}

function endPhase(): void {
  if (!publishing) return
  const [p50_ms, p99_ms, max_ms] = [delay.percentile(50), delay.percentile(99), delay.max].map(ns => ns / 1e6)
  phases.push({ ...publishing, to: Date.now(), p50_ms, p99_ms, max_ms })
  publishing = undefined
}

/** Counts what is committed within the time; commits in flight at its end do not count. */
async function append(seconds: number): Promise<{ committed: number; seconds: number }> {
  let committed = 0
  let published = 0
  const stop = app.hub.listen('mail_received', () => committed++)
  const began = performance.now()
  while (performance.now() - began < seconds * 1000) {
    for (; published - committed < maxUncommitted; published++) app.hub.publish(factDueAt(process.hrtime.bigint()))
    await new Promise(setImmediate)
  }
  const result = { committed, seconds: (performance.now() - began) / 1000 }
  stop()
  return result
}

function state(): object {
  const { sent, dropped, slowConsumers } = app.hub.figures
  const from = (phases.at(-1) as { from?: number } | undefined)?.from ?? 0
  const resets = blocked.map(({ blocked_ms, at }) => ({ blocked_ms, since_publishing_ms: at - from }))
  return {
    phases,
    resets,
    published: number,
    streams: app.hub.streamCount,
    sent,
    dropped,
    slow_consumers: slowConsumers,
  }
}

const control = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url!, 'http://x')
  if (pathname === '/append') {
    response.end(JSON.stringify(await append(Number(searchParams.get('seconds')))))
    return
  }
  if (pathname === '/memory') {
    for (let turn = 0; turn < 3; turn++) {
      globalThis.gc?.()
      await new Promise(setImmediate)
    }
    response.end(JSON.stringify(process.memoryUsage()))
    return
  }
  if (pathname === '/rate') publishAt(Number(searchParams.get('k') ?? 0))
  response.end(JSON.stringify(state()))
})
delay.enable()
control.listen(0, '127.0.0.1', () => {
  const { port } = control.address() as AddressInfo
  console.log(JSON.stringify({ url: app.address, control: `http://127.0.0.1:${port}`, pid: process.pid, dataDir }))
})

function makeCertificate(): Record<string, string> {
  const [cert, key] = [join(dataDir, 'cert.pem'), join(dataDir, 'key.pem')]
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert, '-subj', '/CN=localhost'], { stdio: 'ignore' })
  return { RUSTYMAIL_TLS_CERT: cert, RUSTYMAIL_TLS_KEY: key }
}

process.on('SIGTERM', async () => {
  clearTimeout(timer)
  control.close()
  await app.stop()
  rmSync(dataDir, { recursive: true, force: true })
  process.exit(0)
})
