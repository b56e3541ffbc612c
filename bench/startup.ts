/**
 * How long a start takes once the page is built, and the memory of an idle server without an account, beside an idle
 * Node without a program.
 */
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
  // A generated key, as for a real server: a guessable one is checked against word lists. Extra CA certificates, which
  // Node would read, are not counted.
  const environment = { RUSTYMAIL_API_KEY: randomBytes(32).toString('base64'), NODE_EXTRA_CA_CERTS: undefined }
  for (let turn = 0; turn < rounds; turn++) {
    const server = await startRustyMail(undefined, environment)
    starts.push(server.startMs)
    processor.push(cpuMs(server.pid))
    const peer = await startServer(['-e', nothing])
    // Waits for two samples of the server's own metrics, and until V8 has released what only the start needed.
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
