/**
 * Clients that disconnect at random and resume from their last id while facts are published: each gets every fact once
 * and in order.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { apiKey } from '../measure.ts'
import { startRustyMail } from './candidates.ts'
import { type PartResult, say } from './setting.ts'

export interface Reconnect extends PartResult, Seen {
  facts: number
}

/** The final report of bench/events/reconnect-client.ts. */
interface Seen {
  received: number
  reconnects: number
  gaps: number
  doubles: number
  order_faults: number
  /** `gap` events: the server itself reported that it could not resume. */
  told_gaps: number
}

const clients = 200
const rate = 200
const seconds = 20
/** Milliseconds for the last facts to reach readers that are disconnected. */
const endBoundMs = 60_000

export async function reconnect(): Promise<Reconnect> {
  const server = await startRustyMail()
  const program = fileURLToPath(new URL('./reconnect-client.ts', import.meta.url))
  const child = spawn(process.execPath, [program, server.url, String(clients)], {
    env: { ...process.env, BENCH_API_KEY: apiKey },
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: seconds * 1000 + endBoundMs,
  })
  try {
    const gone = once(child, 'close').then(([code]) => {
      throw new Error(`the clients ended with ${code}`)
    })
    const lines = createInterface({ input: child.stdout })
    await Promise.race([once(lines, 'line'), gone])
    await server.publish(rate)
    await wait(seconds * 1000)
    await server.publish(0)
    const { published } = await server.state()
    child.stdin.end(`${published}\n`)
    const [line] = (await Promise.race([once(lines, 'line'), gone])) as [string]
    const seen = JSON.parse(line) as Seen
    say(`reconnect: ${line}`)
    return {
      what: `${clients} streams of ${rate} facts/s for ${seconds} s; each breaks off every second or so, is away for up to 0.5 s, and comes back with its last id`,
      facts: published,
      ...seen,
      faults: seen.gaps + seen.doubles + seen.order_faults + seen.told_gaps,
    }
  } finally {
    child.kill('SIGTERM')
    await server.stop()
  }
}
