/**
 * A thousand clients with tokens of their own whose stream requests arrive in one poll of the sockets, as after the
 * server was blocked: the CPU time of the event loop's longest turn. `npm run bench -- stream-burst`; Linux only.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { median, round } from './measure.ts'
import { askForStream, end, firstLine, makeTokens, type Started } from './proxied-streams.ts'
import { askLoop } from './slow-disk.ts'

const clients = Number(process.env.BENCH_STREAMS ?? 1_000)
const rounds = Number(process.env.BENCH_ROUNDS ?? 3)
/** Tokens looked up concurrently. */
const lookups = 50
const query = 'types=mail_received'

export async function streamBurst(): Promise<object> {
  const load_average_before = loadavg().map(load => round(load))
  const rows: Awaited<ReturnType<typeof measure>>[] = []
  for (let turn = 0; turn < rounds; turn++) rows.push(await measure())
  return {
    what: `${clients} clients, of ${clients} people, that the server knows, ask for a stream while it is stopped; medians of ${rounds} rounds`,
    target: 'longest_turn_cpu_ms <= 50',
    load_average_before,
    longest_turn_cpu_ms: round(median(rows.map(row => row.longest_turn_cpu_ms))),
    all_open_ms: round(median(rows.map(row => row.all_open_ms))),
    rows,
    load_average_behind: loadavg().map(load => round(load)),
  }
}

async function measure() {
  const probe = join(import.meta.dirname, 'slow-disk', 'loop-probe.ts')
  const program = ['--max-semi-space-size=16', '--expose-gc', '--import', probe]
  const server = spawn(process.execPath, [...program, join(import.meta.dirname, 'events-server.ts')], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const { url, pid, dataDir } = JSON.parse(await firstLine(server)) as Started
  const port = Number(new URL(url).port)
  const sockets: Socket[] = []
  const connectAll = (count: number) => Promise.all(Array.from({ length: count }, () => connected(port)))
  try {
    const tokens = await makeTokens(dataDir, clients)
    // Warms the server's cache with all tokens.
    for (let from = 0; from < clients; from += lookups) {
      const some = tokens.slice(from, from + lookups)
      const known = await connectAll(some.length)
      await Promise.all(known.map((socket, index) => askForStream(socket, query, some[index]!)))
      for (const socket of known) socket.destroy()
    }
    sockets.push(...(await connectAll(clients)))
    // The server has accepted the connections, and released what came before.
    await wait(2_000)
    await askLoop(server)
    process.kill(pid, 'SIGSTOP')
    const opened = sockets.map((socket, index) => askForStream(socket, query, tokens[index]!))
    await wait(500)
    const began = performance.now()
    process.kill(pid, 'SIGCONT')
    await Promise.all(opened)
    const all_open_ms = round(performance.now() - began)
    // In wall-clock time the loop was blocked for as long as the process was stopped.
    const { used_max_ms } = await askLoop(server)
    return { longest_turn_cpu_ms: round(used_max_ms), all_open_ms }
  } finally {
    for (const socket of sockets) socket.destroy()
    await end(server, 'SIGTERM')
  }
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}
