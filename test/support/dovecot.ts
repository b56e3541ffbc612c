/** A real IMAP server for tests: Dovecot in the foreground on free ports of 127.0.0.1, everything of it in a directory of its own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { dovecotConfiguration, tokenConfiguration } from './dovecot-conf.ts'
import { freePorts } from './free-port.ts'
import { patience } from './patience.ts'
import { type Appended, RawImap } from './raw-imap.ts'
import { getTool } from './require.ts'
import { tempDir } from './temp-dir.ts'

export interface DovecotOptions {
  /** Past it, logins of one user are refused; 200 unless given. */
  maxConnectionsPerUser?: number
  /** Before the paths of a user's own folders, as `INBOX.`; nothing unless given. Ends with the separator. */
  personalPrefix?: string
  /** Folders that all users share are under this, as `Public/`. */
  publicPrefix?: string
  /** A slash unless given. */
  separator?: string
  /** Beside those that there are always: `user0@test.local` and so on, each with the password `pw-user`. */
  moreUsers?: number
  /** Of each user, beside 100 messages; no quota unless given. */
  quotaKib?: number
  /** Logins by OAuth2 too: the tokens are shown to this address, and the mechanisms offered beside those for passwords. */
  oauth?: { introspectionUrl: string; mechanisms: string }
  /** Puts mail into `<directory>/<user>/Maildir` before the start. */
  fill?(directory: string): void
}

export interface Dovecot {
  readonly host: string
  /** Plain, offers STARTTLS. */
  readonly imapPort: number
  readonly imapsPort: number
  /** Path of the self-signed certificate. */
  readonly certPem: string
  readonly users: readonly { user: string; password: string }[]
  /** The name before `@test.local` of a user that had no mail yet, with the password `pw-<name>`: a second try of a test has a mailbox of its own. */
  newUser(): string
  /** Adds a message as another program would. CRLF is put in where bare LF stands. */
  appendMessage(user: string, message: string | Buffer, folder?: string, flags?: string[]): Promise<Appended>
  /** A bare connection, logged in; the caller closes it. */
  login(user: string): Promise<RawImap>
  /** Ends the server and every connection; the mail stays. */
  halt(): Promise<void>
  /** Stops every process of it where it stands: connections are taken by the system, and nothing is answered. */
  freeze(): void
  /** They go on. */
  thaw(): void
  /** Starts it again on the same ports. */
  resume(): Promise<void>
  /** Ends it, waits for that, and removes its directory. Safe to call twice. */
  stop(): Promise<void>
}

const named = (name: string) => ({ user: `${name}@test.local`, password: `pw-${name}` })
const users = ['alice', 'bob', 'carol', 'dave'].map(named)
const spare = Array.from({ length: 20 }, (_, n) => `new${n}`)

export async function startDovecot(options: DovecotOptions = {}): Promise<Dovecot> {
  const directory = tempDir('dovecot')
  try {
    return await start(directory.path, () => directory.remove(), options)
  } catch (error) {
    directory.remove()
    throw error
  }
}

async function start(directory: string, remove: () => void, options: DovecotOptions): Promise<Dovecot> {
  prepare(directory, options)
  const launch = async (imapPort: number, imapsPort: number) => {
    const file = join(directory, 'dovecot.conf')
    const maxConnectionsPerUser = options.maxConnectionsPerUser ?? 200
    writeFileSync(file, dovecotConfiguration({ ...options, directory, imapPort, imapsPort, maxConnectionsPerUser }))
    const server = spawn(getTool('dovecot'), ['-F', '-c', file], { stdio: 'ignore', detached: true })
    await ready(server, imapPort, directory)
    return server
  }
  let { server, ports } = await onFreePorts(launch)
  const end = () => killGroup(server, 'SIGKILL')
  process.once('exit', end)
  const [imapPort, imapsPort] = ports
  const halt = () => terminate(server)
  let taken = 0
  const login = async (user: string) => {
    const password = [...users, ...spare.map(named)].find(known => known.user === user)?.password ?? 'pw-user'
    return RawImap.login(imapPort, user, password)
  }
  return {
    host: '127.0.0.1',
    imapPort,
    imapsPort,
    certPem: join(directory, 'cert.pem'),
    users,
    newUser() {
      const name = spare[taken++]
      if (name === undefined) throw new Error('no user is left')
      return name
    },
    login,
    halt,
    async appendMessage(user, message, folder = 'INBOX', flags = []) {
      const imap = await login(user)
      try {
        return await imap.append(
          folder,
          typeof message === 'string' ? message.replaceAll(/\r?\n/g, '\r\n') : message,
          flags,
        )
      } finally {
        imap.close()
      }
    },
    freeze: () => killGroup(server, 'SIGSTOP'),
    thaw: () => killGroup(server, 'SIGCONT'),
    async resume() {
      server = await launch(imapPort, imapsPort)
    },
    async stop() {
      await halt()
      process.off('exit', end)
      remove()
    },
  }
}

let made: Record<'key.pem' | 'cert.pem', Buffer> | undefined

/** One for all that a process starts. */
function certificate(directory: string) {
  if (made) return made
  const [keyFile, certFile] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30']
  const files = ['-keyout', keyFile, '-out', certFile]
  execFileSync('openssl', ['req', '-x509', ...key, ...names, ...files], { stdio: 'ignore' })
  made = { 'key.pem': readFileSync(keyFile), 'cert.pem': readFileSync(certFile) }
  return made
}

function prepare(directory: string, { fill, moreUsers = 0, oauth }: DovecotOptions): void {
  if (oauth) writeFileSync(join(directory, 'oauth2.conf'), tokenConfiguration(oauth.introspectionUrl))
  for (const name of ['run', 'mail', 'state']) mkdirSync(join(directory, name))
  fill?.(join(directory, 'mail'))
  for (const [name, pem] of Object.entries(certificate(directory))) writeFileSync(join(directory, name), pem)
  const more = Array.from({ length: moreUsers }, (_, n) => ({ user: `user${n}@test.local`, password: 'pw-user' }))
  const passwords = [...users, ...spare.map(named), ...more].map(
    ({ user, password }) => `${user}:{PLAIN}${password}::::::\n`,
  )
  writeFileSync(join(directory, 'passwd'), passwords.join(''))
  if (userInfo().uid !== 0) return
  execFileSync('chown', ['-R', 'nobody:nogroup', join(directory, 'mail')])
  chmodSync(directory, 0o755)
}

/** Another program may take a port between our look and the start: then others are tried. */
async function onFreePorts(launch: (imapPort: number, imapsPort: number) => Promise<ChildProcess>) {
  for (let attempt = 1; ; attempt++) {
    const [imapPort = 0, imapsPort = 0] = await freePorts(2)
    try {
      return { server: await launch(imapPort, imapsPort), ports: [imapPort, imapsPort] as const }
    } catch (error) {
      if (attempt === 3) throw error
    }
  }
}

/** Resolves when the server greets; throws with its log when it ended instead. */
async function ready(server: ChildProcess, port: number, directory: string): Promise<void> {
  const deadline = Date.now() + patience
  while (Date.now() < deadline) {
    if (server.exitCode !== null || server.signalCode !== null) throw new Error(`Dovecot ended: ${logOf(directory)}`)
    if (await greets(port)) return
    await wait(20)
  }
  await terminate(server)
  throw new Error(`Dovecot does not answer: ${logOf(directory)}`)
}

async function greets(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    const [data] = await once(socket, 'data', { signal: AbortSignal.timeout(patience / 6) })
    return String(data).startsWith('* OK')
  } catch {
    return false
  } finally {
    socket.on('error', () => undefined).destroy()
  }
}

/** Its login and mail processes would outlive it for a while: they are of its process group, and go with it. */
async function terminate(server: ChildProcess): Promise<void> {
  const isRunning = server.exitCode === null && server.signalCode === null
  if (isRunning) {
    const exit = once(server, 'exit')
    killGroup(server, 'SIGTERM')
    killGroup(server, 'SIGCONT')
    const timer = setTimeout(() => killGroup(server, 'SIGKILL'), 5_000)
    await exit
    clearTimeout(timer)
  }
  killGroup(server, 'SIGKILL')
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch {
    // Nothing of it is left.
  }
}

function logOf(directory: string): string {
  try {
    return readFileSync(join(directory, 'dovecot.log'), 'utf8').slice(-2_000)
  } catch {
    return 'no log'
  }
}
