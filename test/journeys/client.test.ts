/** `rustymail/client` as programs use it: in every Node here, strictly typed, over connections that break. */
import { execFile } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { beforeAll, expect, test } from 'vitest'
import { createClient, ProblemError } from '../../client/index.ts'
import { clientTable, clientTypes } from '../../scripts/client-code.ts'
import { type BuiltClient, builtClient, nodes } from '../support/built-client.ts'
import { clientOutcome } from '../support/client-outcome.ts'
import { apiKey, startHere } from '../support/rustymail.ts'
import { startRelay } from '../support/tcp-relay.ts'

const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)
let built: BuiltClient

beforeAll(async () => {
  built = await builtClient()
  return () => built.remove()
})

test('what is generated from the contract is current', () => {
  const text = (file: string) => readFileSync(join(root, file), 'utf8')
  expect(text('client/endpoints.ts')).toBe(clientTable())
  expect(text('client/api.d.ts')).toBe(clientTypes())
})

test('the module imports nothing, and is as small as its documentation says', () => {
  const module = readFileSync(built.module)
  expect(module.toString()).not.toMatch(/(?<!\/)\bimport\b|\brequire\b|\bprocess\b|\bBuffer\b/)
  const [, kB, zipped] = /module is ([\d.]+) kB, ([\d.]+) kB compressed/.exec(
    readFileSync(join(root, 'docs/client.md'), 'utf8'),
  )!
  expect(module.length / 1000).toBeCloseTo(Number(kB), 0)
  expect(gzipSync(module, { level: 9 }).length / 1000).toBeCloseTo(Number(zipped), 0)
})

const program = `import { createClient, ProblemError } from 'rustymail/client'
import { scenario } from './client-scenario.js'
const [url, token] = process.argv.slice(2)
console.log(JSON.stringify(await scenario({ createClient, ProblemError, url, token })))
`

test.each(nodes())('in Node $version it calls, pages, refuses, repeats and listens', async ({ path }) => {
  const served = await startHere({ args: ['--demo'] })
  copyFileSync(join(root, 'test/support/client-scenario.js'), join(built.folder, 'client-scenario.js'))
  writeFileSync(join(built.folder, 'program.js'), program)
  const { stdout } = await run(path, ['program.js', served.url, apiKey], { cwd: built.folder })
  expect(JSON.parse(stdout)).toEqual(clientOutcome)
})

test.each(nodes())('the example of the documentation runs in Node $version', async ({ path }) => {
  const served = await startHere({ args: ['--demo'] })
  const [, example] = /```js\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/client.md'), 'utf8'))!
  writeFileSync(join(built.folder, 'example.js'), example!)
  const env = { RUSTYMAIL_URL: served.url, RUSTYMAIL_API_KEY: apiKey }
  const { stdout } = await run(path, ['example.js'], { cwd: built.folder, env })
  expect(stdout).toMatch(/^\d+ messages in INBOX\nRenamed to Mail at \S+\nfolder_not_found: /)
})

/** Wrong uses are compiler errors. */
const typed = `import { type Client, createClient, type MessageSummary, ProblemError, type ServerEvent } from 'rustymail/client'

export async function use(client: Client): Promise<void> {
  const page = await client.mail.listMessages({ account_id: 'a', folder: 'INBOX', limit: 10 })
  const total: number = page.total
  const cursor: string | null = page.next_cursor
  // @ts-expect-error: a limit is a number
  await client.mail.listMessages({ account_id: 'a', limit: 'ten' })
  // @ts-expect-error: which account
  await client.mail.listMessages({ folder: 'INBOX' })
  // @ts-expect-error: there is no such parameter
  await client.mail.listMessages({ account_id: 'a', colour: 'red' })
  // @ts-expect-error: reading takes no key
  await client.mail.listMessages({ account_id: 'a' }, { idempotencyKey: 'k' })
  await client.operations.deleteMessages({ account_id: 'a', ids: ['x'] }, { idempotencyKey: 'k' })
  for await (const message of client.paginate(client.mail.listMessages, { account_id: 'a' })) {
    const summary: MessageSummary = message
    const subject: string | null = summary.subject
    // @ts-expect-error: an item has no such field
    void message.colour
    void subject
  }
  // @ts-expect-error: there is one page only
  client.paginate(client.system.live, {})
  for await (const event of client.events({ types: ['mail_received'] })) {
    const some: ServerEvent & { id: string } = event
    if (event.type === 'mail_received') void event.data.folder.length
    if (event.type === 'gap') void event.data.reason.length
    // @ts-expect-error: not asked for
    if (event.type === 'account_added') void event
    void some
  }
  const file = await client.mail.getAttachment({ account_id: 'a', ref: 'r', attachment_id: '2' })
  const stream: ReadableStream<Uint8Array> = file.body
  const attached = await client.drafts.uploadAttachment({ account_id: 'a', draft_id: 'd', rev: '1', name: 'n', file: stream })
  // @ts-expect-error: a file is needed
  await client.drafts.uploadAttachment({ account_id: 'a', draft_id: 'd', rev: '1', name: 'n' })
  // @ts-expect-error: only downloads are resumed
  await client.mail.getMessage({ account_id: 'a', ref: 'r' }, { resume: { from: 1, etag: 'e' } })
  const gone: undefined = await client.accounts.deleteAccount({ account_id: 'a' })
  const { items } = await client.events.listFacts()
  const problem = new ProblemError({} as never)
  void [attached.rev, total, cursor, gone, items, problem.errors[0]?.path, createClient]
}
`

test.each(['nodenext', 'bundler'])('its types compile strictly for %s, and refuse wrong uses', async resolution => {
  writeFileSync(join(built.folder, 'typed.ts'), typed)
  const compilerOptions = {
    target: 'es2022',
    module: resolution === 'bundler' ? 'esnext' : 'nodenext',
    moduleResolution: resolution,
    lib: ['es2023', 'dom'],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
  }
  const project = `tsconfig.${resolution}.json`
  writeFileSync(join(built.folder, project), JSON.stringify({ compilerOptions, files: ['typed.ts'] }))
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const outcome = await run(process.execPath, [compiler, '-p', project], { cwd: built.folder }).catch(
    (error: { stdout: string }) => error,
  )
  expect(outcome.stdout).toBe('')
})

test('events over connections that are cut or die silently: none is missed and none comes twice', async () => {
  const served = await startHere({ args: ['--demo'], heartbeatSeconds: 1 })
  const relay = await startRelay(Number(new URL(served.url).port))
  try {
    const direct = createClient({ url: served.url, token: apiKey })
    const [account] = (await direct.accounts.listMailAccounts()).items
    const rename = (name: string) => direct.accounts.updateAccount({ account_id: account!.id, name })
    let connections = 0
    const counted: typeof fetch = (...request) => {
      connections++
      relay.resume()
      return fetch(...request)
    }
    const client = createClient({ url: `http://127.0.0.1:${relay.port}`, token: apiKey, fetch: counted })
    const names: string[] = []
    const welcomes: boolean[] = []
    for await (const event of client.events({ types: ['account_updated'] })) {
      if (event.type === 'welcome') {
        welcomes.push(event.data.resumed)
        if (welcomes.length === 1) for (const name of ['a', 'b', 'c']) await rename(name)
      }
      if (event.type !== 'account_updated') continue
      names.push(event.data.name)
      // Cut while one event is read, others are in flight and one is about to happen.
      if (event.data.name === 'b') {
        relay.cutClients()
        await rename('d')
      }
      if (event.data.name === 'd') {
        relay.silence()
        await rename('e')
      }
      if (event.data.name === 'e') break
    }
    expect(names).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(welcomes.slice(0, 3)).toEqual([false, true, true])
    expect(connections).toBeGreaterThanOrEqual(3)
  } finally {
    await relay.stop()
  }
})

test('a stream that the server refuses for good is thrown', async () => {
  const served = await startHere()
  const events = createClient({ url: served.url, token: 'not-a-token' }).events()
  await expect(events.next()).rejects.toMatchObject({ code: 'unauthorized', status: 401 })
  const unknown = createClient({ url: served.url, token: apiKey }).events({ types: ['nonsense' as 'mail_received'] })
  await expect(unknown.next()).rejects.toBeInstanceOf(ProblemError)
})
