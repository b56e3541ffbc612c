/** Starts the real program on a free port with a data directory of its own, and ends it whatever happens. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { accessApi, SignInState } from '../../contract/access.ts'
import type { Endpoint } from '../../contract/endpoint.ts'
import { createApp } from '../../server/app.ts'
import type { DiscoveryStandIn } from '../../server/compose-autoconfig.ts'
import { loadConfig } from '../../server/config.ts'
import type { MailGateway } from '../../server/imap/mail-gateway.ts'
import type { LogOutput } from '../../server/platform/log-lines.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { prepareDataDir } from './migrated-file.ts'
import { passwordMemory } from './passwords.ts'
import { enter } from './signed-in.ts'
import { tempDir } from './temp-dir.ts'

const here = join(import.meta.dirname, '../..')

/** Looks generated: for one like words each start reads the lists of common passwords, a quarter of its time. */
export const apiKey = 'for-tests-only-7Qx2fV9mK4bT8wZ1rH6c'
/** A short-lived server skips the garbage collections after a start, which are a seventh of its time. */
const keepStartMemory = ['--import', join(here, 'test/support/keep-start-memory.js')]
const serverEnvironment = {
  RUSTYMAIL_PORT: '0',
  RUSTYMAIL_API_KEY: apiKey,
  // The tests' mail servers are on this machine.
  RUSTYMAIL_PRIVATE_NETWORKS: '127.0.0.0/8,::1/128',
  // No discovery leaves this machine.
  RUSTYMAIL_AUTOCONFIG: 'shipped',
}

interface Request {
  params?: Record<string, string>
  query?: Record<string, string>
  body?: unknown
}

export interface RunOptions {
  args?: string[]
  environment?: Record<string, string>
  /** Root of another copy of the program. */
  root?: string
  /** Data directory of an earlier run, to start on the same data again. */
  dataDir?: string
  /** False if there is no administrator yet, and the set-up link is unused. */
  isSetUp?: boolean
}

interface HereOptions extends Omit<RunOptions, 'root'> {
  heartbeatSeconds?: number
  /** A gateway in place of the real one, with shorter timeouts for instance. */
  gateway?: MailGateway
  /** Enables discovery, in this network. */
  discovery?: DiscoveryStandIn
  /** Receives the log, which is otherwise discarded. */
  logOutput?: LogOutput
}

/** A running server, in this process or its own. */
export interface Served {
  readonly url: string
  /** The set-up link as printed, already used unless the test is to use it; just the address if none was printed. */
  readonly setupLink: string
  readonly dataDir: string
  /** Calls an endpoint as the page does, with the API key; throws unless it succeeds. */
  call<P, Q, B, R>(endpoint: Endpoint<P, Q, B, R>, request?: Request): Promise<R>
  /** Sends any request with the API key. */
  send(method: string, path: string, body?: unknown): Promise<Response>
  stop(): Promise<unknown>
}

/** The program in a process of its own. */
export interface RustyMail extends Served {
  readonly process: ChildProcess
  /** Returns what it wrote to stderr so far. */
  log(): string
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null }>
}

/** Starts the program for a test; it is stopped and removed when the test ends. */
export async function startRustyMail(options: RunOptions = {}): Promise<RustyMail> {
  const dir = options.dataDir === undefined ? tempDir('journey') : undefined
  onTestFinished(() => dir?.remove())
  const run = await runRustyMail({ ...options, dataDir: options.dataDir ?? join(dir!.path, 'data') })
  onTestFinished(async () => void (await run.stop()))
  return run
}

/** Runs the program for a whole file; the caller stops it. */
export async function runRustyMail(options: RunOptions & { dataDir: string }): Promise<RustyMail> {
  const { child, log } = spawnRustyMail(options)
  const [listening, setUp] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
  createInterface({ input: child.stdout }).on('line', line => {
    const address = /http\S+/.exec(line)?.[0] ?? ''
    if (address.includes('/setup#')) setUp.resolve(address)
    else listening.resolve(address)
  })
  child.once('close', code => {
    const error = new Error(`RustyMail ended with ${code} before it was ready:\n${log()}`)
    for (const { reject } of [listening, setUp]) reject(error)
  })
  // There may be no such link, and then its promise is not awaited.
  setUp.promise.catch(() => undefined)
  const url = await listening.promise
  const prepare = async () => {
    const state = SignInState.parse(await (await fetch(url + accessApi.getSignInState.path)).json())
    if (!state.setup_needed) return `${url}/`
    const link = await setUp.promise
    if (options.isSetUp !== false) await enter(url, new URL(link).hash.slice(1))
    return link
  }
  const setupLink = await prepare().catch((error: unknown) => {
    child.kill('SIGKILL')
    throw error
  })
  return {
    url,
    setupLink,
    dataDir: options.dataDir,
    process: child,
    log,
    ...callsTo(url),
    stop: async (signal = 'SIGTERM') => {
      if (child.exitCode !== null || child.signalCode !== null) return { code: child.exitCode }
      const closed = once(child, 'close')
      child.kill(signal)
      await closed
      return { code: child.exitCode }
    },
  }
}

/**
 * Starts a server in this process at a fraction of the cost, for tests that are not about the process. A command in
 * this process cannot run beside it, since file locks belong to the process. Stopped and removed when the test ends.
 */
export async function startHere(options: HereOptions = {}): Promise<Served> {
  const dir = options.dataDir === undefined ? tempDir('journey') : undefined
  onTestFinished(() => dir?.remove())
  const run = await runHere({ ...options, dataDir: options.dataDir ?? join(dir!.path, 'data') })
  onTestFinished(async () => void (await run.stop()))
  return run
}

/** Runs a server in this process for a whole file; the caller stops it. */
export async function runHere(options: HereOptions & { dataDir: string }): Promise<Served> {
  const { args = [], environment = {}, dataDir, heartbeatSeconds, gateway, discovery, logOutput } = options
  const autoconfig = discovery ? { RUSTYMAIL_AUTOCONFIG: 'network' } : {}
  const variables = { ...serverEnvironment, ...autoconfig, RUSTYMAIL_DATA_DIR: dataDir, ...environment }
  if (!('RUSTYMAIL_DATABASE_URL' in environment)) await prepareDataDir(dataDir)
  const overrides = {
    ...(heartbeatSeconds !== undefined && { heartbeatSeconds }),
    ...(gateway && { gateway }),
    ...(discovery && { discovery }),
    ...(logOutput && { logger: undefined, logOutput }),
  }
  const app = createApp(loadConfig(args, variables), { logger: createLogger('silent'), passwordMemory, ...overrides })
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= app.stop()
    return stopped
  }
  await app.start()
  const url = app.address
  const prepare = async () => {
    const link = await app.createSetupLink()
    if (link !== undefined && options.isSetUp !== false) await enter(url, new URL(link).hash.slice(1))
    return link ?? `${url}/`
  }
  const setupLink = await prepare().catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return { url, setupLink, dataDir, ...callsTo(url), stop }
}

function callsTo(url: string): Pick<Served, 'send' | 'call'> {
  const send: Served['send'] = (method, path, body) => {
    const headers: Record<string, string> = { authorization: `Bearer ${apiKey}` }
    if (body !== undefined) headers['content-type'] = 'application/json'
    return fetch(url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  }
  return {
    send,
    call: async (endpoint, request = {}) => {
      const path = endpoint.path.replace(/\{(\w+)\}/g, (_match, name: string) =>
        encodeURIComponent(request.params?.[name] ?? ''),
      )
      const query = new URLSearchParams(request.query).toString()
      const answer = await send(endpoint.method, query ? `${path}?${query}` : path, request.body)
      const text = await answer.text()
      if (!answer.ok) throw new Error(`${endpoint.method} ${path} answered ${answer.status}: ${text}`)
      return endpoint.response.parse(text === '' ? undefined : JSON.parse(text))
    },
  }
}

/** Spawns the program only, for starts that should fail. */
export function spawnRustyMail({
  args = [],
  environment = {},
  dataDir,
  root = here,
}: RunOptions & { dataDir: string }) {
  const flags = ['--max-semi-space-size=16', ...(root === here ? keepStartMemory : [])]
  const child = spawn(process.execPath, [...flags, 'bin/rustymail.js', 'serve', ...args], {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ...serverEnvironment,
      RUSTYMAIL_DATA_DIR: dataDir,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  child.stderr.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-200_000)
  })
  return { child, log: () => text }
}
