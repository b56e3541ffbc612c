/** A real IMAP server for tests: Dovecot in the foreground on free loopback ports, all its files in one directory. */
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
  /** Connections per user, above which logins are refused; 200 unless given. */
  maxConnectionsPerUser?: number
  /** Prefix of a user's own folders, with the separator: `INBOX.`; empty unless given. */
  personalPrefix?: string
  /** Prefix of the folders that all users share: `Public/`. */
  publicPrefix?: string
  /** Hierarchy separator; a slash unless given. */
  separator?: string
  /** Number of users beside the fixed ones: `user0@test.local` and so on, each with the password `pw-user`. */
  moreUsers?: number
  /** Quota of each user in KiB, beside a limit of 100 messages; none unless given. */
  quotaKib?: number
  /** Enables OAuth2 logins: where tokens are introspected, and the mechanisms beside the password ones. */
  oauth?: { introspectionUrl: string; mechanisms: string }
  /** Puts mail into `<directory>/<user>/Maildir` before the start. */
  fill?(directory: string): void
}

export interface Dovecot {
  readonly host: string
  /** The plaintext port, which offers STARTTLS. */
  readonly imapPort: number
  readonly imapsPort: number
  /** Path of the self-signed certificate. */
  readonly certPem: string
  readonly users: readonly { user: string; password: string }[]
  /** Returns the name before `@test.local` of an unused user with the password `pw-<name>`, fresh for each retry. */
  newUser(): string
  /** Appends a message as another program would. Bare LF becomes CRLF. */
  appendMessage(user: string, message: string | Buffer, folder?: string, flags?: string[]): Promise<Appended>
  /** Opens a bare logged-in connection, which the caller closes. */
  login(user: string): Promise<RawImap>
  /** Ends the server and every connection; the mail stays. */
  halt(): Promise<void>
  /** Stops all its processes (SIGSTOP): the kernel still accepts connections, and nothing answers. */
  freeze(): void
  /** Continues the frozen processes. */
  thaw(): void
  /** Starts it again on the same ports. */
  resume(): Promise<void>
  /** Ends it, waits for its exit and removes its directory. Idempotent. */
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

/** Returns the certificate that all servers of a process share. */
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

/** Retries on other ports, since another program may take a port between the check and the start. */
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

/** Resolves when the server greets; throws with its log if it exited instead. */
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

/** Kills the process group, since the login and mail processes would outlive the main one for a while. */
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
    // No process of it is left.
  }
}

function logOf(directory: string): string {
  try {
    return readFileSync(join(directory, 'dovecot.log'), 'utf8').slice(-2_000)
  } catch {
    return 'no log'
  }
}
