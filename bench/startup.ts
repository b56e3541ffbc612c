/** How long a start takes once the page is built, and what an idle server without an account holds in memory, beside an idle Node without a program. */
import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { cpuMs, median, round, rssBytes, startRustyMail, startServer } from './measure.ts'

const rounds = 5
const nothing =
  "console.log('http://'); setInterval(() => undefined, 60_000); process.on('SIGTERM', () => process.exit(0))"

export async function startup(): Promise<object> {
  const starts: number[] = []
  const processor: number[] = []
  const memory: number[] = []
  const bare: number[] = []
  // As it is made for a real server: one that could be guessed is looked at with lists of words. What Node would read of more authorities is not ours.
  const environment = { RUSTYMAIL_API_KEY: randomBytes(32).toString('base64'), NODE_EXTRA_CA_CERTS: undefined }
  for (let turn = 0; turn < rounds; turn++) {
    const server = await startRustyMail(undefined, environment)
    starts.push(server.startMs)
    processor.push(cpuMs(server.pid))
    const peer = await startServer(['-e', nothing])
    // Two samples of its own figures later, and when V8 has given back what only the start needed.
    await wait(13_000)
    memory.push(rssBytes(server.pid) / 2 ** 20)
    bare.push(rssBytes(peer.pid) / 2 ** 20)
    await Promise.all([server.stop(), peer.stop()])
  }
  return {
    what: `from spawning the process to the ready line, page built before; RSS after 13 s; ${rounds} starts`,
    start_ms: round(median(starts)),
    starts_ms: starts.map(value => round(value)),
    start_processor_ms: round(median(processor)),
    rss_mib: round(median(memory)),
    rss_mibs: memory.map(value => round(value)),
    bare_node_rss_mib: round(median(bare)),
    targets: { start_ms: '<= 800', rss_mib: '<= 110' },
  }
}
