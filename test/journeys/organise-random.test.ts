/**
 * Random changes on a real mail server by several concurrent callers, with refusals, restarts and another mail program
 * that changes the same messages. No message is lost, duplicated or unknown by its id; each result is true; lists end
 * equal to the mail server; and undoing everything restores what the other program did not touch.
 */
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import type { Operation, OperationWithResults, UndoReport } from '../../contract/operations.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { patience } from '../support/patience.ts'
import { RawImap } from '../support/raw-imap.ts'
import { available } from '../support/require.ts'
import { runHere, type Served } from '../support/rustymail.ts'
import { startRelay } from '../support/tcp-relay.ts'
import { tempDir } from '../support/temp-dir.ts'

interface Listed {
  id: string
  subject: string
  flags: string[]
  keywords: string[]
}

/** A message's folder, with its flags as lists name them. */
interface Message {
  folder: string
  flags: Set<string>
}
type Mailbox = Map<string, Message>

/** A server on this machine, as `143 user password INBOX.`: its mailbox must be empty, also before each retry. */
const [namedPort, namedUser = '', namedPassword = '', prefix = ''] = (process.env.RUSTYMAIL_TEST_IMAP ?? '').split(' ')
const folders = ['INBOX', `${prefix}Archive`, `${prefix}Junk`]
const flags = ['seen', 'flagged', 'urgent']
const subjects = Array.from({ length: 8 }, (_, at) => `m${at}`)
const [steps, callers] = [8, 3]
const seeds = [1, 3, 4, 13]

describe.skipIf(!namedPort && !available('dovecot'))(namedPort ? 'on a named server' : 'on Dovecot', () => {
  let dovecot: Pick<Dovecot, 'imapPort'>
  /** Each attempt has a mailbox of its own, since a failed one leaves mail behind. */
  let users = 0
  beforeAll(async () => {
    if (namedPort) {
      dovecot = { imapPort: Number(namedPort) }
      return
    }
    const started = await startDovecot({ moreUsers: 2 * seeds.length })
    dovecot = started
    return () => started.stop()
  })

  async function setUp() {
    const user = namedUser || `user${++users}@test.local`
    const password = namedPassword || 'pw-user'
    const imap = await RawImap.login(dovecot.imapPort, user, password)
    onTestFinished(() => imap.close())
    for (const folder of folders.slice(1)) await imap.run(`CREATE ${folder}`).catch(() => '')
    if (namedPort) for (const folder of folders) await empty(imap, folder)
    for (const subject of subjects) {
      const head = `Subject: ${subject}\r\nFrom: a@x.example\r\nMessage-ID: <${subject}@x>\r\n`
      await imap.append('INBOX', `${head}\r\nhello\r\n`)
    }
    const way = { isSpoilt: false }
    const relay = await startRelay(dovecot.imapPort, {
      // Turns the command into one that no server knows. Without MOVE, \Deleted is set after COPY.
      toServer: text => (way.isSpoilt ? text.replace(/^(\S+) UID (STORE(?!.*\\Deleted)|MOVE)/m, '$1 UID X$2') : text),
    })
    onTestFinished(() => relay.stop())
    const dir = tempDir('organise-random')
    onTestFinished(() => dir.remove())
    const options = { dataDir: join(dir.path, 'data'), environment: { RUSTYMAIL_INDEX: 'headers' } }
    let run: Served = await runHere(options)
    onTestFinished(async () => void (await run.stop()))
    const body = {
      email: namedUser ? 'named@test.local' : user,
      imap: { host: '127.0.0.1', port: relay.port, tls: 'none', user, password },
    }
    const { id } = await run.call(api.accounts.createAccount, { body: body as never })
    const at = `/api/v1/accounts/${id}`
    const get = async <T>(path: string) => (await (await run.send('GET', path)).json()) as T
    const list = (folder: string) => get<{ items: Listed[]; source: string }>(`${at}/messages?folder=${folder}`)
    const untilIndexed = () =>
      expect
        .poll(async () => [(await get<{ state: string }>(`${at}/index`)).state, (await list('INBOX')).source], {
          timeout: patience,
        })
        .toEqual(['complete', 'index'])
    await untilIndexed()
    return {
      ...{ imap, way, list },
      act: async (sent: object) => {
        const answer = await run.send('POST', `${at}/messages/actions`, sent)
        const text = await answer.text()
        expect([answer.status, text]).toEqual([202, text])
        return JSON.parse(text) as OperationWithResults
      },
      settled: async ({ id: operation }: Operation) => {
        const look = () => get<OperationWithResults>(`/api/v1/operations/${operation}`)
        await expect.poll(async () => (await look()).state, { timeout: patience }).not.toBe('pending')
        return look()
      },
      undoAll: async (sent: object) =>
        (await (await run.send('POST', '/api/v1/operations/undo', sent)).json()) as UndoReport,
      restart: async () => {
        await run.stop()
        run = await runHere(options)
        await untilIndexed()
      },
    }
  }

  test.each(seeds)('random changes are done as their results say, and undone (%i)', async seed => {
    const world = await setUp()
    const { imap, way } = world
    const random = numbersFrom(seed)
    const one = <T>(all: readonly T[]): T => all[random() % all.length]!
    const ids = new Map((await world.list('INBOX')).items.map(({ subject, id }) => [subject, id]))
    expect(ids.size).toBe(subjects.length)
    const first = await readAll(imap)
    const touched = new Set<string>()
    /** A log of what was done to each message, for a human who reads a failure. */
    const told = new Map<string, string[]>(subjects.map(subject => [subject, []]))
    let model = await readAll(imap)
    let [principal, refused] = ['', 0]
    for (let step = 0; step < steps; step++) {
      way.isSpoilt = step % 3 === 1
      const asked = Array.from({ length: callers }, () => {
        const meant = subjects.filter(() => random() % 2 === 0)
        const named = meant.length > 0 ? meant : [one(subjects)]
        const kind = one(['add', 'remove', 'move_to', 'move_to'] as const)
        return { named, kind, value: kind === 'move_to' ? one(folders) : one(flags) }
      })
      const isOutside = step % 3 === 2
      const isRestarted = step % 4 === 3
      const took = await Promise.all(
        asked.map(async ({ named, kind, value }) => {
          const change = kind === 'move_to' ? { move_to: { folder: value } } : { [kind]: [value] }
          return world.act({ ids: named.map(subject => ids.get(subject)!), ...change })
        }),
      )
      if (isOutside) {
        for (const subject of await changeOutside(imap, one)) {
          touched.add(subject)
          told.get(subject)!.push(`step ${step}: changed outside`)
        }
      }
      if (isRestarted) await world.restart()
      principal = took[0]!.principal.id
      const ended: [string, (typeof asked)[number], OperationWithResults['results']][] = []
      for (const [at, operation] of took.entries()) {
        const { results } = await world.settled(operation)
        ended.push([operation.id, asked[at]!, results])
      }
      for (const [id, { named, kind, value }, results] of ended.toSorted(([a], [b]) => (a < b ? -1 : 1))) {
        for (const [at, subject] of named.entries()) {
          const { state, code } = results[at]!
          const name = `step ${step}: ${subject} ${kind} ${value}`
          told.get(subject)!.push(`${name}: ${state} ${code ?? ''} (${id})`)
          // Its id is valid at every moment, wherever it is.
          expect([name, state, code]).not.toEqual([name, 'failed', 'message_not_found'])
          if (state === 'done') apply(model.get(subject)!, kind, value)
          else if (code === 'mail_server_refused') refused++
          else expect([name, state, isOutside || touched.has(subject)]).toEqual([name, 'gone', true])
        }
      }
      const now = await readAll(imap)
      if (!isOutside) expect(wordsOf(now), wrongOf(now, model, told)).toEqual(wordsOf(model))
      model = now
    }
    way.isSpoilt = false
    expect(refused).toBeGreaterThan(0)
    await untilListed(world.list, model)
    const report = await world.undoAll({ principal, since: '2020-01-01T00:00:00.000Z', dry_run: false })
    expect(report.has_more).toBe(false)
    for (const { operation, undo } of report.undone) {
      if (!undo) continue
      for (const { id, state, code } of (await world.settled(undo)).results) {
        const [subject = ''] = [...ids].find(each => each[1] === id) ?? []
        told.get(subject)?.push(`undo of ${operation.id}: ${state} ${code ?? ''} (${undo.id})`)
      }
    }
    const after = await readAll(imap)
    const untouched = (of: Mailbox) => new Map([...of].filter(([subject]) => !touched.has(subject)))
    expect(wordsOf(untouched(after)), wrongOf(untouched(after), first, told)).toEqual(wordsOf(untouched(first)))
    await untilListed(world.list, after)
  })
})

/** Returns what was done to the messages that are not as expected. */
function wrongOf(now: Mailbox, meant: Mailbox, told: ReadonlyMap<string, readonly string[]>): string {
  const wrong = [...now].filter(
    ([subject, message]) => lineOf(subject, message) !== lineOf(subject, meant.get(subject)!),
  )
  return wrong.flatMap(([subject]) => ['', ...told.get(subject)!]).join('\n')
}

function apply(message: Message, kind: 'add' | 'remove' | 'move_to', value: string): void {
  if (kind === 'move_to') message.folder = value
  else if (kind === 'add') message.flags.add(value)
  else message.flags.delete(value)
}

/** Moves a message or changes a flag in another mail program. @returns What it did. */
async function changeOutside(imap: RawImap, one: <T>(all: readonly T[]) => T): Promise<string[]> {
  const folder = one(folders)
  await imap.run(`SELECT ${folder}`)
  const rows = rowsOf(await imap.run('FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])').catch(() => ''))
  if (rows.length === 0) return []
  const { uid, subject } = one(rows)
  const sign = one(['+', '-'])
  const target = one(folders.filter(each => each !== folder))
  const changes = [() => imap.move(`${uid}`, target)]
  for (const flag of ['\\Seen', 'urgent']) {
    changes.push(async () => void (await imap.run(`UID STORE ${uid} ${sign}FLAGS (${flag})`)))
  }
  // It may have been moved meanwhile.
  await one(changes)().catch(() => undefined)
  return [subject]
}

interface Row {
  uid: number
  subject: string
  flags: string[]
}

function rowsOf(text: string): Row[] {
  return (
    text
      .split(/^\* \d+ FETCH /m)
      .slice(1)
      // A server may report other flags in between, without the subject.
      .filter(row => /UID \d+/.test(row) && /Subject: \w/.test(row))
      .map(row => {
        const words = (/FLAGS \(([^)]*)\)/.exec(row)?.[1] ?? '').split(' ')
        return {
          uid: Number(/UID (\d+)/.exec(row)?.[1]),
          subject: /Subject: (\w+)/.exec(row)?.[1] ?? '',
          flags: words
            .filter(flag => flag !== '' && flag !== '\\Recent')
            .map(flag => flag.replace('\\', '').toLowerCase()),
        }
      })
  )
}

async function empty(imap: RawImap, folder: string): Promise<void> {
  await imap.run(`SELECT ${folder}`)
  await imap.run('STORE 1:* +FLAGS (\\Deleted)').catch(() => '')
  await imap.run('EXPUNGE')
}

/** @throws if a message is missing, or duplicated. */
async function readAll(imap: RawImap): Promise<Mailbox> {
  const found: [string, Message][] = []
  for (const folder of folders) {
    await imap.run(`SELECT ${folder}`)
    const text = await imap.run('FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])').catch(() => '')
    for (const { subject, flags: has } of rowsOf(text)) found.push([subject, { folder, flags: new Set(has) }])
  }
  expect(found.map(([subject]) => subject).toSorted()).toEqual(subjects)
  return new Map(found)
}

function wordsOf(mailbox: Mailbox): string[] {
  return [...mailbox].map(([subject, message]) => lineOf(subject, message)).toSorted()
}

function lineOf(subject: string, { folder, flags: has }: Message): string {
  return [subject, folder, ...[...has].toSorted()].join(' ')
}

async function untilListed(list: (folder: string) => Promise<{ items: Listed[] }>, mailbox: Mailbox): Promise<void> {
  const listed = async () => {
    const lines: string[] = []
    for (const folder of folders) {
      for (const { subject, flags: has, keywords } of (await list(folder)).items) {
        lines.push(lineOf(subject, { folder, flags: new Set([...has, ...keywords]) }))
      }
    }
    return lines.toSorted()
  }
  await expect.poll(listed, { timeout: patience }).toEqual(wordsOf(mailbox))
}

/** Returns the same numbers for the same seed. */
function numbersFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 16
  }
}
