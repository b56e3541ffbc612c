/** The measured servers, each in a process of its own: RustyMail and its peers. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from '../../test/support/free-port.ts'
import { apiKey } from '../measure.ts'
import { nchan } from './nchan.ts'
import { peers, type Setting } from './setting.ts'

export interface Candidate {
  /** Arguments of sse-load: where the stream is, whose CPU time counts, and how its publisher is controlled. */
  arguments: string[]
  /** The server's own figures; only RustyMail reports them. */
  state(): Promise<ServerState | undefined>
  stop(): Promise<void>
}

/** What bench/events-server.ts reports. */
export interface ServerState {
  /** One entry per published rate; event loop delays in ms, times in epoch ms. */
  phases: { rate: number; from: number; to: number; p50_ms: number; p99_ms: number; max_ms: number }[]
  /** Streams that were closed while a write was blocked; only with `watchBlocked`. */
  resets: { blocked_ms: number; since_publishing_ms: number }[]
  /** Number of the newest event. */
  published: number
  streams: number
  dropped: number
  slow_consumers: number
}

export interface RustyMail extends Candidate {
  url: string
  state(): Promise<ServerState>
  /** Publishes this many events a second from now on; 0 stops it. */
  publish(rate: number): Promise<void>
  /** Appends facts as fast as the log takes them. */
  append(seconds: number): Promise<{ committed: number; seconds: number }>
}

export type Start = () => Promise<Candidate>

/** Candidates by name; nchan is missing if it is not installed. */
export function candidates({ cbcast }: Setting): Record<string, Start> {
  const node = (name: string) => [process.execPath, join(peers, name)]
  const installed = nchan()
  return {
    rustymail: startRustyMail,
    c: () => startPeer([cbcast, 'PORT']),
    bare: () => startPeer(node('raw.mjs')),
    better_sse: () => startPeer(node('better.mjs')),
    ...(installed && { nchan: () => startNchan(installed, node('nchan-pub.mjs')) }),
  }
}

export async function startRustyMail({ watchBlocked = false } = {}): Promise<RustyMail> {
  // Flags as `npm start` sets them.
  const program = ['--max-semi-space-size=16', join(import.meta.dirname, '..', 'events-server.ts')]
  const child = start([process.execPath, ...program, ...(watchBlocked ? ['--watch-blocked'] : [])])
  const { url, control, pid } = JSON.parse(await firstLine(child)) as { url: string; control: string; pid: number }
  const ask = async (path: string) => (await fetch(control + path)).json()
  const stream = ['--url', `${url}/api/dashboard/events?types=mail_received`, '-H', `Authorization: Bearer ${apiKey}`]
  return {
    url,
    // Its ids have an epoch, so the dense number is taken from the data.
    arguments: [...stream, '--pid', String(pid), '--ctl', `${control}/rate?k=%k`, '--seq', 'data', '--nfield', 'uid'],
    state: async () => (await ask('/state')) as ServerState,
    publish: async rate => void (await ask(`/rate?k=${rate}`)),
    append: async seconds => (await ask(`/append?seconds=${seconds}`)) as { committed: number; seconds: number },
    stop: () => stop(child),
  }
}

/** Starts a peer, which prints `ready`, and serves /events and /rate on the port given by PORT or its argument. */
async function startPeer(command: string[]): Promise<Candidate> {
  const port = await freePort()
  const child = start(
    command.map(word => (word === 'PORT' ? String(port) : word)),
    { PORT: String(port) },
  )
  await firstLine(child)
  const url = `http://127.0.0.1:${port}`
  return {
    arguments: ['--url', `${url}/events`, '--pid', String(child.pid), '--ctl', `${url}/rate?k=%k`],
    state: async () => undefined,
    stop: () => stop(child),
  }
}

/** Starts nginx and a separate publisher; only nginx is measured. */
async function startNchan(installed: NonNullable<ReturnType<typeof nchan>>, publisher: string[]): Promise<Candidate> {
  const [port, control] = [await freePort(), await freePort()]
  const nginx = await installed.start(port)
  const child = start(publisher, { PORT: String(port), CONTROL_PORT: String(control) })
  const end = async () => {
    await stop(child)
    await stop(nginx.child)
    nginx.remove()
  }
  try {
    await firstLine(child)
  } catch (error) {
    await end()
    throw error
  }
  const publish = ['--ctl', `http://127.0.0.1:${control}/rate?k=%k`, '--seq', 'data']
  return {
    arguments: ['--url', `http://127.0.0.1:${port}/events`, '--pid', String(nginx.child.pid), ...publish],
    state: async () => undefined,
    stop: end,
  }
}

function start([program, ...rest]: string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(program!, rest, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Throws if the process exits before it prints a line. */
async function firstLine(child: ChildProcess): Promise<string> {
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`${child.spawnargs.join(' ')} ended with ${code} before it was ready`)
  })
  const [line] = (await Promise.race([once(createInterface({ input: child.stdout! }), 'line'), gone])) as [string]
  return line
}

/** Stops a process; kills it after 15 s. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const cut = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await ended.finally(() => clearTimeout(cut))
}
