/** The event stream of the real program is what docs/events.md promises, and the clients shown there work. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { freePort } from '../support/free-port.ts'
import { runConformance } from '../support/run-conformance.ts'
import { apiKey, startHere, startRustyMail } from '../support/rustymail.ts'
import { tempDir } from '../support/temp-dir.ts'

const manual = readFileSync(join(import.meta.dirname, '../../docs/events.md'), 'utf8')

/** Runs a program to its end, or to the end of the test. */
function run(command: string, args: string[], environment: Record<string, string> = {}) {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, RUSTYMAIL_API_KEY: apiKey, ...environment }
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-200_000)
    })
  }
  const ended = once(child, 'close').then(([code]) => code as number | null)
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return { ended, text: () => text }
}

test('the stream of the real program conforms, with mail coming in meanwhile', async () => {
  const server = await startRustyMail({ args: ['--demo'] })
  const { code, failed, text } = await runConformance(server.url, ['--token', apiKey])
  expect(failed).toEqual([])
  // The demo's log has facts of its accounts, so that their filter is checked.
  expect(text).toMatch(/^ok +account_id leaves out facts of other accounts/m)
  expect(text.match(/^ok /gm)!.length).toBeGreaterThan(30)
  expect(code).toBe(0)
  // A hundred clients of one address are tracked: if a run left some behind, many runs would evict the rest.
  const query = { filter: 'event-stream-conformance', per_page: '100' }
  const { clients } = await server.call(api.clients.listClients, { query })
  expect(clients.map(client => client.user_agent)).toEqual(['event-stream-conformance'])
})

test('a token that is not the right one and a wrong call are told', async () => {
  const { url } = await startHere()
  const [stranger, wrong] = await Promise.all([
    runConformance(url, ['--token', 'not-the-right-token-at-all']),
    runConformance('nowhere'),
  ])
  expect([stranger.code, wrong.code]).toEqual([1, 2])
  expect(stranger.failed).toEqual([expect.stringMatching(/401/)])
})

/** Returns the code block of a language in docs/events.md that is longer than an example line. */
function clientIn(language: string): string {
  const blocks = [...manual.matchAll(new RegExp(`^\`\`\`${language}\\n([^]+?)^\`\`\`$`, 'gm'))].map(match => match[1]!)
  return blocks.find(block => block.length > 1000)!
}

const isRequired = process.env.RUSTYMAIL_TEST_REQUIRE === 'all'
const hasPython = isRequired || spawnSync('python3', ['--version']).status === 0
if (!hasPython) process.stderr.write('skipped: python3 is missing on this machine (apt-get install python3)\n')

const clients = [
  [process.execPath, clientIn('js'), 'client.mjs'],
  ...(hasPython ? [['python3', clientIn('python'), 'client.py'] as const] : []),
] as const

test('the clients shown in docs/events.md, JavaScript and Python, miss nothing over a restart', async () => {
  const dir = tempDir('client')
  onTestFinished(() => dir.remove())
  const environment = { RUSTYMAIL_PORT: String(await freePort()) }
  const first = await startHere({ environment })
  const imap = { host: '127.0.0.1', port: 1, tls: 'none', user: 'ann', password: 'x' }
  const body = { email: 'ann@example.com', imap, enabled: false }
  const { id } = await first.call(api.accounts.createAccount, { query: { verify: 'false' }, body })
  const rename = (server: typeof first, name: string) =>
    server.call(api.accounts.updateAccount, { params: { account_id: id }, body: { name } })

  const texts = clients.map(([command, source, file]) => {
    writeFileSync(join(dir.path, file), source)
    return run(command, [join(dir.path, file)], { RUSTYMAIL_URL: first.url }).text
  })
  const eachSays = (words: string) => Promise.all(texts.map(text => expect.poll(text).toContain(words)))
  await eachSays(' welcome ')
  await rename(first, 'before the restart')
  await eachSays('before the restart')
  await first.stop()
  const second = await startHere({ environment, dataDir: first.dataDir })
  await rename(second, 'after the restart')
  await eachSays('after the restart')
  for (const text of texts) {
    const numbers = [...text().matchAll(/^[a-z0-9]+-(\d+) /gm)].map(match => Number(match[1]))
    expect(numbers).toEqual(numbers.map((_number, index) => numbers[0]! + index))
  }
})
