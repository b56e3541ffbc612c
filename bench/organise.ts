/**
 * Flags and moves of 1,000 messages on Dovecot, through RustyMail and by three bare clients that send one command: the
 * time to the response, the time until it is settled, and the CPU time. A socket that parses nothing is the floor;
 * ImapFlow is what programs use, with the folder opened before the measured time, or within it. Unlike RustyMail none
 * of them checks the messages before or after, stores anything, or resolves ids. In turn, over several rounds; medians.
 */
import { join } from 'node:path'
import { ImapFlow } from 'imapflow'
import { api } from '../contract/index.ts'
import type { OperationWithResults } from '../contract/operations.ts'
import { startDovecot } from '../test/support/dovecot.ts'
import { fillMaildir } from './large-mailbox.ts'
import { apiKey, connectAlice, median, preciseCpuMs, round, startRustyMail, unlimited } from './measure.ts'
import { OperationEndings } from './operation-endings.ts'

const messages = 1_000
/** Most of them run compiled code, as in a server that has been running for a while. */
const rounds = 21
/** Rounds whose median is also reported separately, since much of their code is not compiled yet. */
const firstRounds = 5
/** Dovecot users: one for RustyMail, one for each bare client. */
const [ours, theirs, flows, openers] = ['alice', 'bob', 'carol', 'dave'].map(name => `${name}@test.local`)

interface Row {
  answer_ms: number
  settled_ms: number
  /** CPU milliseconds of all threads until the response. */
  answer_cpu_ms: number
  server_cpu_ms: number
  /** CPU milliseconds until the index was compared, response included. */
  rest_cpu_ms: number
}

export async function organise(): Promise<object> {
  const fill = (directory: string) => {
    for (const user of [ours, theirs, flows, openers]) fillMaildir(join(directory, user!, 'Maildir'), messages)
  }
  const dovecot = await startDovecot({ fill })
  const server = await startRustyMail(undefined, { ...unlimited, RUSTYMAIL_INDEX: 'headers' })
  const bare = await dovecot.login(theirs!)
  const flow = imapFlow(dovecot.imapPort, flows!)
  const opener = imapFlow(dovecot.imapPort, openers!)
  await Promise.all([flow.connect(), opener.connect()])
  try {
    const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
      const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
      const sent = body === undefined ? {} : { body: JSON.stringify(body) }
      const answer = await fetch(server.url + path, { method, headers, ...sent })
      if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
      return (await answer.json()) as T
    }
    const id = await connectAlice(server.url, dovecot.imapPort)
    const ids = await indexedIds(call, id)
    const endings = new OperationEndings()
    await endings.open(server.url)
    const act = async (change: object): Promise<Row> => {
      const cpu = preciseCpuMs(server.pid)
      const began = performance.now()
      const path = api.operations.changeMessages.path.replace('{account_id}', id)
      const accepted = await call<OperationWithResults>('POST', path, { ids, ...change })
      const answered = performance.now()
      const answerCpu = preciseCpuMs(server.pid) - cpu
      const settled = await endings.of(accepted.id)
      const row = {
        answer_ms: answered - began,
        settled_ms: settled - began,
        answer_cpu_ms: answerCpu,
        server_cpu_ms: preciseCpuMs(server.pid) - cpu,
      }
      await untilIndexed(call, id, ids.length)
      return { ...row, rest_cpu_ms: preciseCpuMs(server.pid) - cpu }
    }
    const rows: Record<string, Row[]> = { flags: [], move: [] }
    const floors: Record<string, number[]> = { flags: [], move: [] }
    const usual: Record<string, number[]> = { flags: [], move: [] }
    const opening: Record<string, number[]> = { flags: [], move: [] }
    await bare.run('SELECT INBOX')
    await flow.mailboxOpen('INBOX')
    for (let turn = 0; turn < rounds; turn++) {
      const [sign, change] = turn % 2 === 0 ? ['+', { add: ['flagged'] }] : ['-', { remove: ['flagged'] }]
      rows.flags!.push(await act(change as object))
      floors.flags!.push(await timeOf(() => bare.run(`UID STORE 1:* ${sign}FLAGS.SILENT (\\Flagged)`)))
      const uids = await flow.search({ all: true }, { uid: true })
      if (!uids || uids.length !== messages) throw new Error('ImapFlow does not see the messages')
      const [from, to] = turn % 2 === 0 ? ['INBOX', 'Archive'] : ['Archive', 'INBOX']
      usual.flags!.push(await timeOf(() => store(flow, sign!, uids)))
      const known = await uidsOf(opener, from!)
      opening.flags!.push(await timeOf(() => withOpened(opener, from!, () => store(opener, sign!, known))))
      rows.move!.push(await act({ move_to: { folder: to } }))
      await bare.run(`SELECT ${from}`)
      floors.move!.push(await timeOf(() => bare.run(`UID MOVE 1:* ${to}`)))
      await bare.run(`SELECT ${to}`)
      usual.move!.push(await timeOf(() => flow.messageMove(uids, to!, { uid: true })))
      await flow.mailboxOpen(to!)
      await opener.mailboxClose()
      opening.move!.push(
        await timeOf(() => withOpened(opener, from!, () => opener.messageMove(known, to!, { uid: true }))),
      )
    }
    const figures = Object.fromEntries(
      Object.entries(rows).map(([kind, all]) => {
        const of = (name: keyof Row) => round(median(all.map(row => row[name])))
        const [floor, imapflow, opened] = [floors, usual, opening].map(times => median(times[kind]!)) as Figures
        const row = {
          answer_ms: of('answer_ms'),
          settled_ms: of('settled_ms'),
          first_settled_ms: round(median(all.slice(0, firstRounds).map(row => row.settled_ms))),
          answer_cpu_ms: of('answer_cpu_ms'),
          server_cpu_ms: of('server_cpu_ms'),
          rest_cpu_ms: of('rest_cpu_ms'),
          bare_ms: round(floor),
          imapflow_ms: round(imapflow),
          imapflow_opening_ms: round(opened),
          settled_to_bare: round(of('settled_ms') / floor),
          settled_to_imapflow: round(of('settled_ms') / imapflow),
          settled_to_imapflow_opening: round(of('settled_ms') / opened),
        }
        return [kind, row]
      }),
    )
    return {
      what: `${messages} messages in one call, ${rounds} rounds in turn, medians; bare: one UID STORE (silent) or UID MOVE on an open folder by a socket that parses nothing; imapflow: the same messages by ImapFlow, whose STORE is not silent, on a folder that it has open, by UIDs that it knows; imapflow_opening: the same with the folder opened first. RustyMail is given ids of its own: it finds out where the messages are, looks at them, stores what it is about to do, opens the folder, sends the command, finds out what it did, and stores and tells that`,
      ...figures,
      target: 'answer_ms at most 50; settled_to_imapflow at most 1.5',
    }
  } finally {
    bare.close()
    await Promise.all([flow.logout(), opener.logout()])
    await server.stop()
    await dovecot.stop()
  }
}

type Figures = [floor: number, imapflow: number, opened: number]

function imapFlow(port: number, user: string): ImapFlow {
  const how = { secure: false, doSTARTTLS: false, logger: false, disableAutoIdle: true } as const
  return new ImapFlow({ host: '127.0.0.1', port, ...how, auth: { user, pass: `pw-${user.split('@')[0]}` } })
}

/** Resolves UIDs as a program that did something else before knows them: the folder is closed afterwards. */
async function uidsOf(flow: ImapFlow, path: string): Promise<number[]> {
  await flow.mailboxOpen(path, { readOnly: true })
  const uids = await flow.search({ all: true }, { uid: true })
  await flow.mailboxClose()
  if (!uids || uids.length !== messages) throw new Error('ImapFlow does not see the messages')
  return uids
}

function store(flow: ImapFlow, sign: string, uids: number[]): Promise<boolean> {
  const how = { uid: true }
  return sign === '+'
    ? flow.messageFlagsAdd(uids, ['\\Flagged'], how)
    : flow.messageFlagsRemove(uids, ['\\Flagged'], how)
}

async function withOpened(flow: ImapFlow, path: string, work: () => Promise<unknown>): Promise<void> {
  await flow.mailboxOpen(path)
  await work()
}

type Call = <T>(method: string, path: string, body?: unknown) => Promise<T>

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

async function indexedIds(call: Call, accountId: string): Promise<string[]> {
  await untilIndexed(call, accountId, messages)
  const ids: string[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query = new URLSearchParams({ folder: 'INBOX', limit: '100', ...(cursor && { cursor }) })
    const path = `${api.mail.listMessages.path.replace('{account_id}', accountId)}?${query}`
    const page: { items: { id: string }[]; next_cursor: string | null } = await call('GET', path)
    ids.push(...page.items.map(item => item.id))
    cursor = page.next_cursor
  }
  return ids
}

/** Waits until all changes are read again, so that the next round starts with an idle server. */
async function untilIndexed(call: Call, accountId: string, total: number): Promise<void> {
  const path = api.mailIndex.getIndex.path.replace('{account_id}', accountId)
  for (let calm = 0; calm < 5; ) {
    const { state, places } = await call<{ state: string; places: number }>('GET', path)
    calm = state === 'complete' && places === total ? calm + 1 : 0
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}
