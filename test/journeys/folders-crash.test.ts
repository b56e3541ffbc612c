/**
 * Each command that changes a folder is interrupted on a real mail server, by kill -9 of the program and by a lost
 * connection: before the server receives it, after its execution but before its answer, and right after its answer.
 * Afterwards each folder is as requested, with its messages.
 */
import { join } from 'node:path'
import { beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import type { OperationWithResults } from '../../contract/operations.ts'
import { createPostgresDatabase } from '../support/databases.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { InterruptedWay, type Interruption } from '../support/interrupted-way.ts'
import { patience } from '../support/patience.ts'
import { RawImap } from '../support/raw-imap.ts'
import { available } from '../support/require.ts'
import { type RustyMail, runRustyMail } from '../support/rustymail.ts'
import { tempDir } from '../support/temp-dir.ts'

type Kind = 'create' | 'rename' | 'delete' | 'subscribe' | 'unsubscribe'

interface Break extends Interruption {
  kind: Kind
}

const commands: Record<Kind, string[]> = {
  create: ['CREATE', 'SUBSCRIBE'],
  rename: ['RENAME', 'SUBSCRIBE', 'UNSUBSCRIBE'],
  delete: ['DELETE', 'UNSUBSCRIBE'],
  subscribe: ['SUBSCRIBE'],
  unsubscribe: ['UNSUBSCRIBE'],
}
const breaks = (Object.keys(commands) as Kind[]).flatMap(kind =>
  commands[kind].flatMap(command =>
    (['before', 'after', 'answered'] as const).map((at): Break => ({ kind, at, command })),
  ),
)
const users = 5
const stops = /^(\S+) (CREATE|RENAME|DELETE|SUBSCRIBE|UNSUBSCRIBE) /m

describe.skipIf(!available('dovecot'))('interrupted at each command', () => {
  let dovecot: Dovecot
  beforeAll(async () => {
    dovecot = await startDovecot({ moreUsers: users })
    return () => dovecot.stop()
  })

  const postgresUrl = inject('postgresUrl')
  const cases = [
    ['SQLite', 'kill -9'],
    ['SQLite', 'a lost connection'],
    ...(postgresUrl === undefined ? [] : [['PostgreSQL', 'kill -9']]),
  ]

  test.each(cases)('on %s, by %s: each folder is changed once, and none in half', async (database, interruption) => {
    const dir = tempDir('folders-crash')
    onTestFinished(() => dir.remove())
    const environment: Record<string, string> = { RUSTYMAIL_INDEX: 'off' }
    if (database === 'PostgreSQL') {
      const { url, drop } = await createPostgresDatabase(postgresUrl!)
      onTestFinished(drop)
      environment.RUSTYMAIL_DATABASE_URL = url
    }
    const options = { dataDir: join(dir.path, 'data'), environment }
    let rustymail: RustyMail = await runRustyMail(options)
    onTestFinished(async () => void (await rustymail.stop('SIGKILL')))
    const ways = Array.from(
      { length: users },
      (_, at) => new InterruptedWay({ user: `user${at}@test.local`, commands: stops }),
    )
    for (const way of ways) {
      await way.open(dovecot.imapPort)
      onTestFinished(() => way.relay.stop())
      const imap = { host: '127.0.0.1', port: way.relay.port, tls: 'none', user: way.user, password: 'pw-user' }
      const path = `${api.accounts.createAccount.path}?verify=false`
      const answer = await rustymail.send('POST', path, { email: way.user, imap })
      way.accountId = ((await answer.json()) as Account).id
    }
    let done = 0
    for (let round = 0; round * users < breaks.length; round++) {
      const busy = breaks.slice(round * users, (round + 1) * users).map((point, at) => ({ point, way: ways[at]! }))
      const begun = await Promise.all(
        busy.map(async ({ way, point }) => {
          const folder = `${database}-${interruption.replaceAll(' ', '-')}-${round}`
          const raw = await RawImap.login(dovecot.imapPort, way.user, 'pw-user')
          await prepare(raw, point.kind, folder)
          raw.close()
          const reached = way.arm(point)
          const id = await accept(rustymail, way.accountId, point.kind, folder)
          await reached
          return { way, point, folder, id }
        }),
      )
      if (interruption === 'kill -9') await rustymail.stop('SIGKILL')
      for (const { way } of busy) way.disarm()
      for (const { way } of busy) way.relay.cutClients()
      if (interruption === 'kill -9') rustymail = await runRustyMail(options)
      for (const { way, point, folder, id } of begun) {
        const name = `${point.kind} ${point.at} ${point.command}`
        const { state, results } = await settledOf(rustymail, id)
        const raw = await RawImap.login(dovecot.imapPort, way.user, 'pw-user')
        const found = await foldersOf(raw, folder)
        raw.close()
        expect([name, state, results, found]).toEqual([name, 'done', results, expectedOf(point.kind)])
        done++
      }
    }
    expect(done).toBe(27)
  })
})

/** State of a folder, its subfolder and its new name: existence, subscription and message count. */
type Found = Record<string, string>

/** Creates a folder with a subfolder, a message in each; for a deletion it has neither. */
async function prepare(imap: RawImap, kind: Kind, folder: string): Promise<void> {
  if (kind === 'create') return
  await imap.run(`CREATE "${folder}"`)
  if (kind !== 'subscribe') await imap.run(`SUBSCRIBE "${folder}"`)
  if (kind === 'delete') return
  await imap.run(`CREATE "${folder}/inner"`)
  for (const path of [folder, `${folder}/inner`]) await imap.append(path, 'Subject: kept\r\n\r\nhello\r\n')
}

function expectedOf(kind: Kind): Found {
  const inner = { '/inner': 'there 1' }
  if (kind === 'create') return { '': 'there subscribed 0' }
  if (kind === 'rename') return { '-new': 'there subscribed 1', '-new/inner': 'there 1' }
  if (kind === 'delete') return {}
  return { '': kind === 'subscribe' ? 'there subscribed 1' : 'there 1', ...inner }
}

async function foldersOf(imap: RawImap, folder: string): Promise<Found> {
  const has = (list: string, path: string) => list.includes(`"${path}"\r`) || list.includes(` ${path}\r`)
  const [list, subscribed] = [await imap.run('LIST "" "*"'), await imap.run('LSUB "" "*"')]
  const found: Found = {}
  for (const end of ['', '/inner', '-new', '-new/inner']) {
    const path = folder + end
    const words = [...(has(list, path) ? ['there'] : []), ...(has(subscribed, path) ? ['subscribed'] : [])]
    if (has(list, path)) {
      words.push(/MESSAGES (\d+)/.exec(await imap.run(`STATUS "${path}" (MESSAGES)`))![1]!)
    }
    if (words.length > 0) found[end] = words.join(' ')
  }
  return found
}

async function accept(rustymail: RustyMail, accountId: string, kind: Kind, folder: string): Promise<string> {
  const path = `/api/v1/accounts/${accountId}/folders`
  const of = `${path}?${new URLSearchParams({ folder })}`
  const calls = {
    create: ['POST', path, { path: folder }],
    rename: ['PATCH', of, { path: `${folder}-new` }],
    delete: ['DELETE', of, undefined],
    subscribe: ['PATCH', of, { subscribed: true }],
    unsubscribe: ['PATCH', of, { subscribed: false }],
  } as const
  const [method, at, body] = calls[kind]
  const answer = await rustymail.send(method, at, body)
  const text = await answer.text()
  expect([kind, answer.status, text]).toEqual([kind, 202, text])
  return (JSON.parse(text) as OperationWithResults).id
}

async function settledOf(rustymail: RustyMail, id: string): Promise<OperationWithResults> {
  const path = api.operations.getOperation.path.replace('{operation_id}', id)
  const get = async () => (await (await rustymail.send('GET', path)).json()) as OperationWithResults
  await expect.poll(async () => (await get()).state, { timeout: patience }).not.toBe('pending')
  return get()
}
