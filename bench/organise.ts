/**
 * Flags and moves of 1,000 messages on Dovecot, through RustyMail and by two bare clients that send one command: how long the answer takes, how
 * long until it is settled, and what it costs the processor. A socket that reads no line of the answer is the least that there can be; ImapFlow
 * is what programs use. In turn, several rounds; medians.
 */
import { join } from 'node:path'
import { ImapFlow } from 'imapflow'
import { api } from '../contract/index.ts'
import type { OperationWithResults } from '../contract/operations.ts'
import { startDovecot } from '../test/support/dovecot.ts'
import { fillMaildir } from './large-mailbox.ts'
import { apiKey, connectAlice, median, preciseCpuMs, round, startRustyMail, unlimited } from './measure.ts'

const messages = 1_000
const rounds = 9
/** Of Dovecot: one for RustyMail, one for each bare client. */
const [ours, theirs, flows] = ['alice@test.local', 'bob@test.local', 'carol@test.local']

interface Row {
  answer_ms: number
  settled_ms: number
  /** Until the answer, of all threads. */
  answer_cpu_ms: number
  server_cpu_ms: number
  /** Until the index was compared, too. */
  rest_cpu_ms: number
}

export async function organise(): Promise<object> {
  const fill = (directory: string) => {
    for (const user of [ours, theirs, flows]) fillMaildir(join(directory, user, 'Maildir'), messages)
  }
  const dovecot = await startDovecot({ fill })
  const server = await startRustyMail(undefined, { ...unlimited, RUSTYMAIL_INDEX: 'headers' })
  const bare = await dovecot.login(theirs)
  const flow = new ImapFlow({
    ...{
      host: '127.0.0.1',
      port: dovecot.imapPort,
      secure: false,
      doSTARTTLS: false,
      logger: false,
      disableAutoIdle: true,
    },
    auth: { user: flows, pass: 'pw-carol' },
  })
  await flow.connect()
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
    const endings = new Endings()
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
    await bare.run('SELECT INBOX')
    await flow.mailboxOpen('INBOX')
    for (let turn = 0; turn < rounds; turn++) {
      const [sign, change] = turn % 2 === 0 ? ['+', { add: ['flagged'] }] : ['-', { remove: ['flagged'] }]
      rows.flags!.push(await act(change as object))
      floors.flags!.push(await timeOf(() => bare.run(`UID STORE 1:* ${sign}FLAGS.SILENT (\\Flagged)`)))
      const uids = await flow.search({ all: true }, { uid: true })
      if (!uids || uids.length !== messages) throw new Error('ImapFlow does not see the messages')
      const store = sign === '+' ? flow.messageFlagsAdd.bind(flow) : flow.messageFlagsRemove.bind(flow)
      usual.flags!.push(await timeOf(() => store(uids, ['\\Flagged'], { uid: true })))
      const [from, to] = turn % 2 === 0 ? ['INBOX', 'Archive'] : ['Archive', 'INBOX']
      rows.move!.push(await act({ move_to: { folder: to } }))
      await bare.run(`SELECT ${from}`)
      floors.move!.push(await timeOf(() => bare.run(`UID MOVE 1:* ${to}`)))
      await bare.run(`SELECT ${to}`)
      usual.move!.push(await timeOf(() => flow.messageMove(uids, to!, { uid: true })))
      await flow.mailboxOpen(to!)
    }
    const figures = Object.fromEntries(
      Object.entries(rows).map(([kind, all]) => {
        const of = (name: keyof Row) => round(median(all.map(row => row[name])))
        const [floor, imapflow] = [median(floors[kind]!), median(usual[kind]!)]
        const row = {
          answer_ms: of('answer_ms'),
          settled_ms: of('settled_ms'),
          answer_cpu_ms: of('answer_cpu_ms'),
          server_cpu_ms: of('server_cpu_ms'),
          rest_cpu_ms: of('rest_cpu_ms'),
          bare_ms: round(floor),
          imapflow_ms: round(imapflow),
          settled_to_bare: round(of('settled_ms') / floor),
          settled_to_imapflow: round(of('settled_ms') / imapflow),
        }
        return [kind, row]
      }),
    )
    return {
      what: `${messages} messages in one call, ${rounds} rounds in turn, medians; bare: one UID STORE (silent) or UID MOVE on an open folder by a socket that parses nothing; imapflow: the same messages by ImapFlow, whose STORE is not silent`,
      ...figures,
      target: 'answer_ms at most 50; settled_to_imapflow at most 1.5',
    }
  } finally {
    bare.close()
    await flow.logout()
    await server.stop()
    await dovecot.stop()
  }
}

type Call = <T>(method: string, path: string, body?: unknown) => Promise<T>

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** When operations ended, as the event stream tells it. */
class Endings {
  readonly #endedAt = new Map<string, number>()
  #look: () => void = () => undefined

  async open(url: string): Promise<void> {
    const headers = { authorization: `Bearer ${apiKey}` }
    const answer = await fetch(`${url}/api/dashboard/events?types=operation_changed`, { headers })
    this.#read(answer).catch(() => undefined)
  }

  async of(id: string): Promise<number> {
    for (;;) {
      const at = this.#endedAt.get(id)
      if (at !== undefined) return at
      await new Promise<void>(resolve => {
        this.#look = resolve
      })
    }
  }

  /** Until the server ends. */
  async #read({ body }: Response): Promise<void> {
    const decoder = new TextDecoder()
    let text = ''
    for await (const bytes of body ?? []) {
      text += decoder.decode(bytes, { stream: true })
      const frames = text.split('\n\n')
      text = frames.pop() ?? ''
      for (const frame of frames) {
        const [, data] = /^event: operation_changed\ndata: (.*)$/m.exec(frame) ?? []
        const fact = data === undefined ? undefined : (JSON.parse(data) as { operation_id: string; state: string })
        if (fact && fact.state !== 'pending') this.#endedAt.set(fact.operation_id, performance.now())
      }
      this.#look()
    }
  }
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

/** Everything that was changed is read again: the next round begins with the server at rest. */
async function untilIndexed(call: Call, accountId: string, total: number): Promise<void> {
  const path = api.mailIndex.getIndex.path.replace('{account_id}', accountId)
  for (let calm = 0; calm < 5; ) {
    const { state, places } = await call<{ state: string; places: number }>('GET', path)
    calm = state === 'complete' && places === total ? calm + 1 : 0
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}
