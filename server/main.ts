/** The command line: starts the server, prints its address, and stops it on a signal. */
import { createServer } from 'node:net'
import { PassThrough } from 'node:stream'
import { type App, createApp } from './app.ts'
import { asksForHelp, notDoneBy, UsageError, usageFor } from './command-usage.ts'
import { secretsOf } from './compose-logs.ts'
import { type Config, ConfigError, checkSecrets, loadConfig, programVersion } from './config.ts'
import { logCrashes } from './crash-output.ts'
import { DataDirTaken } from './platform/data-dir.ts'
import { flushed } from './platform/log-output.ts'
import { reasonOf } from './platform/start-fault.ts'
import { dropStartMemory } from './platform/start-memory.ts'

/** The exit code for wrong usage; `diagnose` exits with 1 if something is wrong with the account. */
const badUsage = 2
/** EX_CONFIG of sysexits.h. */
const badConfig = 78

/** Runs what the command line asks for; the process ends on its own or on a signal. */
export async function run(): Promise<void> {
  keepStandingAlone()
  const crashes = logCrashes()
  const words = process.argv.slice(2)
  if (asksForHelp(words)) return console.log(usageFor(words))
  if (words.includes('--version')) return console.log(programVersion())
  if (words.includes('mcp') && words.some(word => /^--url(=|$)/.test(word))) {
    // The launcher does the same, but checks only the first word.
    return (await import('./bridge-main.ts')).run()
  }
  if (words[0] === 'webhook' && words[1] === 'listen') return (await import('./webhook-listen.ts')).run()
  const config = readConfig()
  crashes.secrets = secretsOf(config)
  await runCommand(config)
}

/** Ignores errors of stdout and stderr: a reader that goes away (EPIPE) must not end the process. */
function keepStandingAlone(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
}

async function runCommand(config: Config): Promise<void> {
  if (config.command === 'serve') return serve(config)
  if (config.command === 'mcp') return serve(await withFreePort(config), beginStdio())
  try {
    // Loaded on demand: a server needs neither commands nor prompts.
    const { outcomeOf } = await import('./command-outcome.ts')
    // Prompts go to stderr, like logs, so that stdout holds only the outcome.
    const { words, exitCode } = await outcomeOf(config, { input: process.stdin, output: process.stderr })
    console.log(words)
    process.exitCode = exitCode
  } catch (error) {
    fail(error instanceof UsageError ? badUsage : 1, `Failed: ${wordsOf(error)}`)
  }
}

interface Stdio {
  input: NodeJS.ReadableStream
  output: NodeJS.WritableStream
  /** Resolves when the client ends, whatever state the server is in. */
  ended: Promise<unknown>
}

/** Reads stdin from now on, so that the end of a client is noticed during the start; first messages are buffered. */
function beginStdio(): Stdio {
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  process.stdin.once('end', resolve).once('error', () => resolve())
  process.stdout.once('error', () => resolve())
  return { input: process.stdin.pipe(new PassThrough()), output: process.stdout, ended }
}

/** Chooses another port if one is in use by a server with other data. */
async function withFreePort(config: Config): Promise<Config> {
  const { host, port } = config.http
  const probe = createServer()
  const isFree = await new Promise<boolean>(resolve => {
    probe.once('error', () => resolve(false)).listen({ host, port }, () => probe.close(() => resolve(true)))
  })
  return isFree ? config : { ...config, http: { ...config.http, port: 0 } }
}

/** Runs the server. @param stdio The client's streams, of which stdout carries only its protocol. */
async function serve(config: Config, stdio?: Stdio): Promise<void> {
  // Installed before anything is acquired, so that a signal at any moment leaves nothing behind.
  const opened: { app?: App } = {}
  const ending = endOnSignal(opened, stdio ? stdioEndMs : endMs)
  void stdio?.ended.then(() => ending.begin(0))
  await checkSecrets(config).catch(failForConfig)
  for (const hint of config.hints) console.error(hint)
  const app = open(config)
  opened.app = app
  void app.failed.then(error => {
    if (ending.isUnderWay) return
    console.error(`RustyMail stops: ${wordsOf(error)}`)
    ending.begin(1)
  })
  try {
    await app.start()
  } catch (error) {
    if (ending.isUnderWay) return
    fail(1, `RustyMail could not start: ${wordsOf(error)}`)
  }
  try {
    const setupLink = await app.createSetupLink()
    if (ending.isUnderWay) return
    // One write, so that a reader of the first line also has the second.
    const say = stdio ? console.error : console.log
    say([`RustyMail is listening on ${app.address}`, ...(setupLink ? [`Set up: ${setupLink}`] : [])].join('\n'))
  } catch (error) {
    if (ending.isUnderWay) return
    console.error(`RustyMail could not start: ${wordsOf(error)}`)
    ending.begin(1)
    return
  }
  if (stdio) await speak(app, stdio, ending)
  dropStartMemory()
}

async function speak(app: App, stdio: Stdio, ending: Ending): Promise<void> {
  try {
    const session = await app.serveStdio(stdio)
    void session.ended.then(() => ending.begin(0))
  } catch (error) {
    console.error(`Failed: ${wordsOf(error)}`)
    ending.begin(1)
  }
}

function readConfig(): Config {
  try {
    return loadConfig(process.argv.slice(2), process.env)
  } catch (error) {
    return failForConfig(error)
  }
}

function failForConfig(error: unknown): never {
  if (!(error instanceof ConfigError)) throw error
  const faults = error.faults.map(fault => `  ${fault}`)
  const code = process.argv[2] === 'diagnose' ? badUsage : badConfig
  fail(code, [`${notDoneBy(process.argv.slice(2))}. Please fix:`, ...faults].join('\n'))
}

function open(config: Config): App {
  try {
    return createApp(config)
  } catch (error) {
    if (error instanceof DataDirTaken) {
      const hint = config.command === 'mcp' ? ', or let the agent use that one: rustymail mcp --url <its address>' : ''
      return fail(1, `RustyMail was not started: ${error.message}${hint}.`)
    }
    return fail(badConfig, `RustyMail was not started: ${wordsOf(error)}`)
  }
}

interface Ending {
  readonly isUnderWay: boolean
  /** Stops in order within the bound; a second call is a no-op. @param code The exit code if all goes well. */
  begin(code: number): void
}

/** Upper bound of a stop in ms, a last resort if something unknown keeps the event loop alive. */
const endMs = 10_000
/** Upper bound with stdio in ms: agents do not wait. The rest is cut as by a crash; what was committed is safe. */
const stdioEndMs = 1_500
/** Signals within this many ms count as one: npm and the launcher pass on a Ctrl-C too. A person is slower. */
const onePressMs = 1_000
/** How long the process waits at its end for its log to be read, in ms. */
const lastWordsMs = 500

/** Stops in order at the first signal, and exits immediately at the second. */
function endOnSignal(opened: { app?: App }, withinMs: number): Ending {
  let isUnderWay = false
  let firstAt = 0
  const begin = (code: number) => {
    if (isUnderWay) return
    isUnderWay = true
    setTimeout(() => process.exit(withinMs === endMs ? 1 : code), withinMs).unref()
    if (!opened.app) process.exit(code)
    const exit = (endCode: number) => void flushed(process.stderr, lastWordsMs).then(() => process.exit(endCode))
    opened.app.stop().then(
      () => exit(code),
      () => exit(1),
    )
  }
  const stop = () => {
    if (!isUnderWay) {
      firstAt = performance.now()
      return begin(0)
    }
    if (performance.now() - firstAt > onePressMs) process.exit(1)
  }
  // SIGHUP is sent when the terminal is closed.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, stop)
  return {
    get isUnderWay() {
      return isUnderWay
    },
    begin,
  }
}

function fail(code: number, words: string): never {
  console.error(words)
  process.exit(code)
}

const listenWays: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Set RUSTYMAIL_PORT to another port, or to 0 for a free one',
  EACCES: 'Set RUSTYMAIL_PORT to a port from 1024 on: those below need a privilege',
  EADDRNOTAVAIL: 'Set RUSTYMAIL_HOST to an address of this machine',
  ENOTFOUND: 'Set RUSTYMAIL_HOST to an address of this machine',
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? String(error.code) : ''
  const isListening = 'syscall' in error && (error.syscall === 'listen' || error.syscall === 'getaddrinfo')
  const wayOut = isListening ? listenWays[code] : undefined
  if (wayOut !== undefined) return `${error.message}. ${wayOut}`
  return 'path' in error || error instanceof AggregateError ? reasonOf(error) : error.message
}
