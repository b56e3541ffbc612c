/** The real server with a publisher inside, for the event benchmarks: GET /rate?k=<events a second> on a port of its own. */
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
import { apiKey } from './measure.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
const environment = { RUSTYMAIL_PORT: '0', RUSTYMAIL_DATA_DIR: dataDir, RUSTYMAIL_API_KEY: apiKey }
const app = createApp(loadConfig([], environment), { logger: createLogger('warn'), maxStreamsPerPrincipal: 20_000 })
await app.start()

let number = 0
let timer: NodeJS.Timeout | undefined
const delay = monitorEventLoopDelay({ resolution: 1 })

/** About 300 bytes of JSON; `t` is when it was due (ns of CLOCK_MONOTONIC), so that a blocked loop cannot hide its delay. */
function factDueAt(due: bigint): Fact {
  const data = { account_id: 'bench', folder: 'INBOX', uid: ++number, uid_validity: 1, at: new Date().toISOString() }
  return { type: 'mail_received', data: { ...data, t: Number(due), pad: 'x'.repeat(160) } as typeof data }
}

function publishAt(rate: number): void {
  clearTimeout(timer)
  if (rate <= 0) return
  const step = BigInt(Math.round(1e9 / rate))
  let due = process.hrtime.bigint() + step
  const tick = () => {
    for (let now = process.hrtime.bigint(); due <= now; due += step) app.hub.publish(factDueAt(due))
    timer = setTimeout(tick, Math.max(1, Math.floor(Number(due - process.hrtime.bigint()) / 1e6)))
  }
  tick()
}

const control = createServer((request, response) => {
  const rate = Number(new URL(request.url!, 'http://x').searchParams.get('k') ?? 0)
  const lag = { p50_ms: delay.percentile(50) / 1e6, p99_ms: delay.percentile(99) / 1e6, max_ms: delay.max / 1e6 }
  if (rate > 0) delay.reset()
  publishAt(rate)
  response.end(
    JSON.stringify({
      lag,
      figures: { streams: app.hub.streamCount, sent: app.hub.figures.sent, dropped: app.hub.figures.dropped },
    }),
  )
})
delay.enable()
control.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ url: app.address, control: (control.address() as AddressInfo).port, pid: process.pid }))
})

process.on('SIGTERM', async () => {
  clearTimeout(timer)
  control.close()
  await app.stop()
  rmSync(dataDir, { recursive: true, force: true })
  process.exit(0)
})
