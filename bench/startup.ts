/** How long a start takes once the page is built, and what an idle server without an account holds in memory. */
import { setTimeout as wait } from 'node:timers/promises'
import { median, round, rssBytes, startRustyMail } from './measure.ts'

const rounds = 5

export async function startup(): Promise<object> {
  const starts: number[] = []
  const memory: number[] = []
  for (let turn = 0; turn < rounds; turn++) {
    const server = await startRustyMail()
    starts.push(server.startMs)
    // Two samples of its own figures later, and when V8 has given back what only the start needed.
    await wait(13_000)
    memory.push(rssBytes(server.pid) / 2 ** 20)
    await server.stop()
  }
  return {
    what: `from spawning the process to the ready line, page built before; RSS after 13 s; ${rounds} starts`,
    start_ms: round(median(starts)),
    starts_ms: starts.map(value => round(value)),
    rss_mib: round(median(memory)),
    targets: { start_ms: '<= 1500', rss_mib: '<= 120' },
  }
}
