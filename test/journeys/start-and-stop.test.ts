/** Starting and stopping the real program, as a person or an orchestrator does. */
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, inject, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { newPostgresDatabase } from '../support/databases.ts'
import { openStream } from '../support/open-stream.ts'
import { patience } from '../support/patience.ts'
import { runCommand } from '../support/run-command.ts'
import { apiKey, spawnRustyMail, startHere, startRustyMail } from '../support/rustymail.ts'
import { administrator, enter } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'

function newDataDir(): string {
  const dir = tempDir('journey')
  onTestFinished(() => dir.remove())
  return join(dir.path, 'data')
}

async function failedStart(options: Parameters<typeof spawnRustyMail>[0]): Promise<{ code: number; words: string }> {
  const { child, log } = spawnRustyMail(options)
  onTestFinished(() => void child.kill('SIGKILL'))
  const [code] = await once(child, 'close')
  return { code: code as number, words: log() }
}

/** Returns the processes that run in a folder, where the system reports it. */
function processesIn(folder: string): string[] {
  if (!existsSync('/proc/self/cwd')) return []
  return readdirSync('/proc').filter(id => {
    try {
      return /^\d+$/.test(id) && readlinkSync(`/proc/${id}/cwd`).startsWith(folder)
    } catch {
      return false
    }
  })
}

test('it says where it listens, is ready, and the set-up link makes one administrator and signs them in', async () => {
  const run = await startRustyMail({ isSetUp: false })
  expect(run.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect(await (await fetch(`${run.url}/health/live`)).json()).toEqual({ status: 'live' })
  expect(await (await fetch(`${run.url}/health/ready`)).json()).toMatchObject({ status: 'ready' })
  const setup_token = new URL(run.setupLink).hash.slice(1)
  const setUp = () =>
    fetch(run.url + api.access.setUp.path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ setup_token, ...administrator }),
    })
  const opened = await setUp()
  expect(opened.status).toBe(201)
  const [cookie] = opened.headers.getSetCookie()
  expect(cookie).toMatch(/HttpOnly/i)
  expect(cookie).toMatch(/SameSite=Lax/i)
  expect((await setUp()).status).toBe(401)
  const session = await fetch(`${run.url}/api/dashboard/session`, { headers: { cookie: cookie!.split(';')[0]! } })
  const { email, name } = administrator
  expect(await session.json()).toMatchObject({ principal: { kind: 'session', role: 'administrator', email, name } })
  expect((await fetch(`${run.url}/api/dashboard/stats`)).status).toBe(401)

  // Once there is an administrator, no link is needed: they sign in.
  await run.stop()
  const again = await startRustyMail({ dataDir: run.dataDir })
  expect(again.setupLink).not.toContain('/setup#')
  const cookieAgain = await enter(again.url)
  expect((await fetch(`${again.url}/api/dashboard/stats`, { headers: { cookie: cookieAgain } })).status).toBe(200)
})

test('where it listens and the set-up link are one write: a reader of the first line has the second', async () => {
  const { child } = spawnRustyMail({ dataDir: newDataDir() })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [words] = (await once(child.stdout, 'data')) as [Buffer]
  expect(words.toString()).toMatch(/^RustyMail is listening on (http:\S+)\nSet up: \1\/setup#\S+\n$/)
})

test('the first start of a clean copy says what it prepares, and serves its page; ended in the middle, it leaves nothing behind', async () => {
  const dir = tempDir('clean')
  onTestFinished(() => dir.remove())
  const root = join(import.meta.dirname, '../..')
  for (const part of [
    'bin',
    'client',
    'contract',
    'server',
    'sandbox',
    'scripts',
    'web',
    'package.json',
    'package-lock.json',
    'vite.config.ts',
    'tsconfig.json',
  ]) {
    cpSync(join(root, part), join(dir.path, part), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(dir.path, 'node_modules'))

  const dataDir = join(dir.path, 'data')
  const steps = 'RustyMail prepares its first start; after an update, the first start of the new version.\n'
  const preparing = spawnRustyMail({ root: dir.path, dataDir })
  const bounds = { interval: 5 }
  await expect.poll(preparing.log, bounds).toBe(`${steps}Building the page …\nCompiling the server …\n`)
  preparing.child.kill('SIGTERM')
  await once(preparing.child, 'close')
  await expect.poll(() => processesIn(dir.path), bounds).toEqual([])
  expect([existsSync(dataDir), existsSync(join(dir.path, 'dist/web/index.html'))]).toEqual([false, false])

  const { child, log } = spawnRustyMail({ root: dir.path, dataDir })
  // Page and program are built first: ten CPU seconds, on a machine that may be busy.
  const whileBuilt = { ...bounds, timeout: patience * 4 }
  await expect.poll(() => existsSync(join(dataDir, 'rustymail.pid')), whileBuilt).toBe(true)
  child.kill('SIGTERM')
  await once(child, 'close')
  expect(readdirSync(dataDir).filter(name => /pid|lock/.test(name))).toEqual([])
  expect(log()).toMatch(/^Prepared in \d+\.\d s\.$/m)

  const run = await startRustyMail({ root: dir.path, dataDir })
  const page = await fetch(new URL(run.setupLink), { headers: { accept: 'text/html' } })
  expect(page.status).toBe(200)
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self'")
  const [script] = /\/assets\/[\w-]+\.js/.exec(await page.text())!
  expect((await fetch(run.url + script)).headers.get('cache-control')).toContain('immutable')
  // What is prepared once is not prepared again.
  expect(run.log()).not.toContain('repare')
  await run.stop()

  // Restored from an older copy, say: the file's time goes back.
  const edited = join(dir.path, 'server/command-usage.ts')
  writeFileSync(edited, readFileSync(edited, 'utf8').replace('Usage: rustymail', 'Edited: rustymail'))
  utimesSync(edited, 1_000_000_000, 1_000_000_000)
  const help = await runCommand(['--help'], { root: dir.path, dataDir })
  expect(help.stdout).toMatch(/^Edited: rustymail/)
  expect(help.stderr).toMatch(/^Prepared in /m)
})

test('a wrong secret key is one clear line and no start', async () => {
  const run = await startHere()
  const imap = { host: '127.0.0.1', port: 1, tls: 'none', user: 'ann', password: 'x' }
  await run.call(api.accounts.createAccount, { query: { verify: 'false' }, body: { email: 'ann@example.com', imap } })
  await run.stop()
  const environment = { RUSTYMAIL_SECRET_KEY: Buffer.alloc(32, 7).toString('base64') }
  const { code, words } = await failedStart({ dataDir: run.dataDir, environment })
  expect(code).toBe(1)
  expect(words.trim().split('\n')).toHaveLength(1)
  expect(words).toContain('the secret key is not the one')
})

test('a client that is disconnected is gone, and does not come back by the end of its stream', async () => {
  const run = await startHere()
  const stream = await openStream(`${run.url}/api/dashboard/events`, {
    authorization: `Bearer ${apiKey}`,
    'user-agent': 'kicked',
  })
  const { client_id } = (await stream.next('welcome')).data as { client_id: string }
  await run.call(api.clients.disconnectClient, { params: { client_id } })
  expect((await stream.next('goodbye')).data).toMatchObject({ reason: 'kicked' })
  await stream.ended
  const { clients } = await run.call(api.clients.listClients)
  expect(clients.map(client => client.user_agent)).not.toContain('kicked')
})

test('SIGTERM says goodbye to streams, ends with 0 within ten seconds, and leaves no lock behind', async () => {
  const run = await startRustyMail()
  const stream = await openStream(`${run.url}/api/dashboard/events`, { authorization: `Bearer ${apiKey}` })
  await stream.next('welcome')
  const idle = connect(Number(new URL(run.url).port), '127.0.0.1')
  onTestFinished(() => void idle.destroy())
  await once(idle, 'connect')
  // A stop that takes longer than ten seconds exits with 1.
  const { code } = await run.stop()
  expect(code).toBe(0)
  expect(run.log()).not.toContain('did not stop cleanly')
  expect((await stream.next('goodbye')).data).toMatchObject({ reason: 'shutdown' })
  expect(readdirSync(run.dataDir).filter(name => /pid|lock|wal|shm/.test(name))).toEqual([])
})

/** Delays a stop until connections are cut: unread responses, larger than all buffers. */
async function holdUpStop(url: string): Promise<void> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => undefined)
  const head = `GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${apiKey}\r\n\r\n`
  socket.write(head.repeat(60))
  await once(socket, 'readable')
}

test('one press of Ctrl-C that npm and the launcher pass on as well is one signal', async () => {
  const run = await startRustyMail()
  const stream = await openStream(`${run.url}/api/dashboard/events`, { authorization: `Bearer ${apiKey}` })
  await stream.next('welcome')
  for (const signal of ['SIGINT', 'SIGINT'] as const) run.process.kill(signal)
  const { code } = await run.stop('SIGINT')
  expect(code).toBe(0)
  expect((await stream.next('goodbye')).data).toMatchObject({ reason: 'shutdown' })
  expect(readdirSync(run.dataDir).filter(name => /pid|lock|wal|shm/.test(name))).toEqual([])
})

test('a closed terminal stops it in order', async () => {
  const run = await startRustyMail()
  expect((await run.stop('SIGHUP')).code).toBe(0)
  expect(readdirSync(run.dataDir).filter(name => /pid|lock|wal|shm/.test(name))).toEqual([])
})

test('a person who presses Ctrl-C again and again ends it at once', async () => {
  const run = await startRustyMail()
  await holdUpStop(run.url)
  const presses = setInterval(() => run.process.kill('SIGINT'), 50)
  onTestFinished(() => clearInterval(presses))
  expect((await run.stop('SIGINT')).code).toBe(1)
})

test('a key that can be guessed is refused with exit 78 before anything is started', async () => {
  const dataDir = newDataDir()
  const { code, words } = await failedStart({ dataDir, environment: { RUSTYMAIL_API_KEY: 'passwordpassword1234' } })
  expect(code).toBe(78)
  expect(words).toContain('RUSTYMAIL_API_KEY can be guessed')
  expect(words).toContain('openssl rand -base64 32')
  expect(words).not.toContain('passwordpassword')
  expect(existsSync(dataDir)).toBe(false)
})

test('every wrong setting is named at once, with exit 78 and nothing started', async () => {
  const dataDir = newDataDir()
  const { code, words } = await failedStart({
    dataDir,
    environment: { RUSTYMAIL_PORT: '99999', RUSTYMAIL_SECRET_KEY: 'short', IMAP_HOST: 'mail.example.com' },
  })
  expect(code).toBe(78)
  for (const name of ['RUSTYMAIL_PORT', 'RUSTYMAIL_SECRET_KEY', 'IMAP_USER', 'IMAP_PASS']) expect(words).toContain(name)
  expect(existsSync(dataDir)).toBe(false)
})

test('a second server on the same data directory is refused in one clear line', async () => {
  const run = await startHere()
  const { code, words } = await failedStart({ dataDir: run.dataDir })
  expect(code).toBe(1)
  expect(words.trim().split('\n')).toHaveLength(1)
  expect(words).toContain(`another RustyMail (process ${process.pid}) is running`)
  expect((await fetch(`${run.url}/health/live`)).status).toBe(200)
})

test('a taken port is a clear line and leaves the data directory free', async () => {
  const run = await startHere()
  const dataDir = newDataDir()
  const { code, words } = await failedStart({ dataDir, environment: { RUSTYMAIL_PORT: new URL(run.url).port } })
  expect(code).toBe(1)
  expect(words).toContain('RUSTYMAIL_PORT')
  expect(existsSync(join(dataDir, 'rustymail.pid'))).toBe(false)
})

const postgresUrl = inject('postgresUrl')
test.skipIf(postgresUrl === undefined)('on PostgreSQL it starts, keeps what it is told, and starts again', async () => {
  const environment = { RUSTYMAIL_DATABASE_URL: await newPostgresDatabase(postgresUrl!) }
  const first = await startRustyMail({ environment })
  const imap = { host: '127.0.0.1', port: 1, tls: 'none', user: 'ann', password: 'x' }
  const body = { email: 'ann@example.com', imap }
  const account = await first.call(api.accounts.createAccount, { query: { verify: 'false' }, body })
  await first.stop()
  const second = await startRustyMail({ environment, dataDir: first.dataDir })
  const isUnreachable = async () =>
    (await second.call(api.accounts.listAccounts)).items.map(item => [item.id, item.state])
  await expect.poll(isUnreachable).toEqual([[account.id, 'unreachable']])
  expect(await second.call(api.system.ready)).toMatchObject({
    status: 'degraded',
    parts: { accounts: { ready: 0, total: 1 } },
  })
})

test('a database that does not answer is one clear line', async () => {
  const environment = { RUSTYMAIL_DATABASE_URL: 'postgres://nobody:secret-word@127.0.0.1:1/none' }
  const { code, words } = await failedStart({ dataDir: newDataDir(), environment })
  expect(code).toBe(1)
  expect(words.trim().split('\n')).toHaveLength(1)
  expect(words).toContain('ECONNREFUSED')
  expect(words).not.toContain('secret-word')
})

test('HEAD on the event stream answers the headers of a stream and ends', async () => {
  const run = await startHere()
  const answer = await run.send('HEAD', '/api/dashboard/events')
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  expect(answer.headers.get('x-accel-buffering')).toBe('no')
  expect(await answer.text()).toBe('')
})

test('a session and the data outlive kill -9', async () => {
  const dataDir = newDataDir()
  const first = await startRustyMail({ dataDir })
  const cookie = await enter(first.url)
  await first.stop('SIGKILL')
  const second = await startHere({ dataDir })
  const session = await fetch(`${second.url}/api/dashboard/session`, { headers: { cookie } })
  expect(session.status).toBe(200)
})
