/**
 * Each step of each operation is interrupted on a real mail server, by kill -9 of the program and by a lost connection,
 * before the server receives it and after its execution. Afterwards each message is where it belongs, once.
 */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import type { OperationWithResults } from '../../contract/operations.ts'
import { createPostgresDatabase } from '../support/databases.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { InterruptedWay, type Interruption } from '../support/interrupted-way.ts'
import { patience } from '../support/patience.ts'
import type { RawImap } from '../support/raw-imap.ts'
import { available } from '../support/require.ts'
import { type RustyMail, runRustyMail } from '../support/rustymail.ts'
import { tempDir } from '../support/temp-dir.ts'

type Kind = 'flags' | 'move' | 'copy' | 'delete'

/** A command at which the program is interrupted: before the server gets it, or after it ran but before its answer. */
interface Break extends Interruption {
  kind: Kind
}

/** Reads the state of the messages before any change is sent. */
const look = 'UID SEARCH'
const breaksOf = (move: string[], remove: string[]): Break[] => {
  const commands: [Kind, string[]][] = [
    ['flags', ['UID STORE']],
    ['move', move],
    ['copy', ['UID COPY']],
    ['delete', remove],
  ]
  return [
    { kind: 'move', at: 'before', command: look },
    ...commands.flatMap(([kind, all]) =>
      all.flatMap(command => [{ kind, at: 'before', command } as const, { kind, at: 'after', command } as const]),
    ),
  ]
}

const servers = [
  { hidden: 'nothing', breaks: breaksOf(['UID MOVE'], ['UID STORE', 'UID EXPUNGE']) },
  { hidden: 'MOVE', breaks: breaksOf(['UID COPY', 'UID STORE', 'UID EXPUNGE'], ['UID STORE', 'UID EXPUNGE']) },
  { hidden: 'MOVE|UIDPLUS', breaks: breaksOf(['UID COPY', 'UID STORE'], []) },
]
/** Rounds per account. One kill interrupts all accounts, since a start for each break would take longest of all. */
const rounds = 4
/** The breaks of each account, a share of its server's. */
const shares = servers
  .flatMap(({ hidden, breaks }) =>
    Array.from({ length: Math.ceil(breaks.length / rounds) }, (_, share) => ({
      hidden,
      breaks: breaks.slice(share * rounds, (share + 1) * rounds),
    })),
  )
  .map((share, number) => ({ ...share, user: `user${number}` }))

/** Hides extensions, and interrupts at a command. */
function wayOf({ user, hidden, breaks }: (typeof shares)[number]) {
  const hasUidPlus = !hidden.includes('UIDPLUS')
  const told = (text: string) => {
    const said = hasUidPlus ? text : text.replaceAll(/ \[COPYUID [^\]\r]*\]/g, '')
    if (!said.includes('CAPABILITY ')) return said
    return said.replaceAll(new RegExp(` (${hidden})(?=[ \\]\r])`, 'g'), '')
  }
  const way = new InterruptedWay({ user: `${user}@test.local`, commands: /^(\S+) (UID \w+)/m, told })
  return Object.assign(way, { breaks, hasUidPlus })
}

describe.skipIf(!available('dovecot'))('interrupted at each step', () => {
  let dovecot: Dovecot
  beforeAll(async () => {
    dovecot = await startDovecot({ moreUsers: shares.length })
  })
  afterAll(() => dovecot?.stop())

  const postgresUrl = inject('postgresUrl')
  const databases = ['SQLite', ...(postgresUrl === undefined ? [] : ['PostgreSQL'])]
  const cases = databases.flatMap(database => [
    [database, 'kill -9'],
    ...(database === 'SQLite' ? [[database, 'a lost connection']] : []),
  ])

  test.each(cases)('on %s, by %s: each operation is done once, and none in half', async (database, interruption) => {
    const dir = tempDir('crash')
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
    const ways = shares.map(wayOf)
    for (const way of ways) {
      await way.open(dovecot.imapPort)
      onTestFinished(() => way.relay.stop())
      const imap = { host: '127.0.0.1', port: way.relay.port, tls: 'none', user: way.user, password: 'pw-user' }
      const body = { email: way.user, imap }
      const path = `${api.accounts.createAccount.path}?verify=false`
      way.accountId = ((await (await rustymail.send('POST', path, body)).json()) as Account).id
      const raw = await dovecot.login(way.user)
      for (const folder of ['INBOX', 'Archive']) await clear(raw, folder)
      raw.close()
    }
    let interrupted = 0
    for (let round = 0; round < rounds; round++) {
      const busy = ways.filter(({ breaks }) => round < breaks.length)
      const begun = await Promise.all(
        busy.map(async way => {
          const point = way.breaks[round]!
          const subject = `${point.kind} ${point.at} ${point.command} ${round}`
          for (const part of [1, 2]) await dovecot.appendMessage(way.user, messageOf(`${subject}/${part}`))
          const ids = await refsOf(rustymail, way.accountId, subject)
          const reached = way.arm(point)
          const id = await accept(rustymail, way.accountId, point.kind, ids)
          await reached
          return { way, point, subject, id }
        }),
      )
      if (interruption === 'kill -9') await rustymail.stop('SIGKILL')
      for (const way of busy) way.disarm()
      for (const way of busy) way.relay.cutClients()
      if (interruption === 'kill -9') rustymail = await runRustyMail(options)
      for (const { way, point, subject, id } of begun) {
        const settled = await settledOf(rustymail, id)
        const name = `${way.user} ${subject}`
        expect([name, settled.state, settled.results.map(({ state }) => state)]).toEqual([
          name,
          'done',
          ['done', 'done'],
        ])
        const raw = await dovecot.login(way.user)
        const held = { INBOX: await find(raw, 'INBOX', subject), Archive: await find(raw, 'Archive', subject) }
        raw.close()
        expect([name, held]).toEqual([name, expectedOf(point.kind, way.hasUidPlus)])
        if (point.kind === 'move' || point.kind === 'copy') {
          expect([name, settled.results.every(({ new_ref }) => new_ref !== null)]).toEqual([name, true])
        }
        interrupted++
      }
    }
    expect(interrupted).toBe(servers.flatMap(({ breaks }) => breaks).length)
    expect(interrupted).toBeGreaterThan(30)
  })
})

function expectedOf(kind: Kind, hasUidPlus: boolean): Record<string, string[]> {
  const both = (flags: string) => [`1 ${flags}`, `2 ${flags}`]
  // Without UIDPLUS single messages cannot be expunged, only marked.
  if (kind === 'move') return { INBOX: hasUidPlus ? [] : both('\\Deleted'), Archive: both('') }
  if (kind === 'copy') return { INBOX: both(''), Archive: both('') }
  return { INBOX: kind === 'flags' ? both('\\Flagged') : [], Archive: [] }
}

function messageOf(subject: string): string {
  return `From: Bob <bob@test.local>\nSubject: ${subject}\nMessage-ID: <${subject.replaceAll(/\W/g, '.')}@test.local>\n\nbody\n`
}

async function refsOf(rustymail: RustyMail, accountId: string, subject: string): Promise<string[]> {
  const path = api.mail.listMessages.path.replace('{account_id}', accountId)
  const answer = await rustymail.send('GET', `${path}?limit=10`)
  const { items } = (await answer.json()) as { items: { subject: string; ref: string }[] }
  return items.filter(item => item.subject.startsWith(`${subject}/`)).map(({ ref }) => ref)
}

async function accept(rustymail: RustyMail, accountId: string, kind: Kind, ids: string[]): Promise<string> {
  const { changeMessages, deleteMessages } = api.operations
  const { path } = kind === 'delete' ? deleteMessages : changeMessages
  const wanted = { flags: { add: ['flagged'] }, move: { move_to: { role: 'archive' } }, delete: {} }
  const body = { ids, ...(kind === 'copy' ? { copy_to: { folder: 'Archive' } } : wanted[kind]) }
  const answer = await rustymail.send('POST', path.replace('{account_id}', accountId), body)
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

/** Returns `part flags` of each message, without `\Recent`. */
async function find(imap: RawImap, folder: string, subject: string): Promise<string[]> {
  await imap.run(`EXAMINE ${folder}`)
  const answer = await imap.run('FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])').catch(() => '')
  const rows = answer.split(/^\* \d+ FETCH /m).slice(1)
  return rows
    .flatMap(row => {
      const [, found = '', part = ''] = /Subject: (.*)\/(\d)/i.exec(row) ?? []
      const flags = (/FLAGS \(([^)]*)\)/.exec(row)?.[1] ?? '').split(' ').filter(flag => flag !== '\\Recent')
      return found === subject ? [`${part} ${flags.join(' ')}`] : []
    })
    .sort()
}

async function clear(imap: RawImap, folder: string): Promise<void> {
  await imap.run(`SELECT ${folder}`)
  await imap.run('STORE 1:* +FLAGS.SILENT (\\Deleted)').catch(() => undefined)
  await imap.run('EXPUNGE')
}
