/**
 * Lists and reads in a Maildir of 100,000 messages: with the folder kept open between requests, and opened for each
 * request, beside bare ImapFlow clients that have it open and send NOOP first. In turn, over several rounds, with
 * medians of the rounds.
 */
import { join } from 'node:path'
import { ImapFlow } from 'imapflow'
import { ImapFlowGateway } from '../server/imap/adapters/imapflow-gateway.ts'
import { keepingTimes } from '../server/imap/adapters/imapflow-kept-folder.ts'
import { ConnectionPool } from '../server/imap/connection-pool.ts'
import { createLogger } from '../server/platform/logger.ts'
import { type Dovecot, startDovecot } from '../test/support/dovecot.ts'
import { fillMaildir } from './large-mailbox.ts'
import { median, round } from './measure.ts'

const messages = 100_000
const rounds = 5
const alone = 20
const callers = 32
const connections = 4
const secondsEach = 3
const page = 50
const { signal } = new AbortController()

interface Way {
  list(): Promise<unknown>
  read(uid: number): Promise<unknown>
  stop(): Promise<void>
}

export async function openFolder(): Promise<object> {
  const fill = (directory: string) => fillMaildir(join(directory, 'alice@test.local', 'Maildir'), messages)
  const dovecot = await startDovecot({ fill })
  const ways: Record<string, Way> = {}
  try {
    // Dovecot indexes the folder once, whichever client opens it first.
    const first = await dovecot.login('alice@test.local')
    await first.run('SELECT INBOX')
    await first.run(`FETCH ${messages - 200}:${messages} (ENVELOPE BODYSTRUCTURE)`)
    first.close()
    ways.kept = throughPool(dovecot, keepingTimes.provedMs)
    ways.opened_each_time = throughPool(dovecot, 0)
    ways.bare_imapflow = await bare(dovecot)
    const rows: Record<string, Row[]> = {}
    for (const way of Object.values(ways)) await each(way)
    for (let turn = 0; turn < rounds; turn++) {
      for (const [name, way] of Object.entries(ways)) rows[name] = [...(rows[name] ?? []), await each(way)]
    }
    const figures = Object.fromEntries(Object.entries(rows).map(([name, of]) => [name, summary(of)]))
    const { kept, opened_each_time: opened, bare_imapflow: floor } = figures as Record<string, Row>
    return {
      what: `Maildir of ${messages} messages: ms of a list of ${page} and of a read, one caller; and how many a second for ${callers} callers over ${connections} connections; ${rounds} rounds in turn, medians`,
      ...figures,
      kept_to_opened_each_time: ratios(kept!, opened!),
      kept_to_bare_imapflow: ratios(kept!, floor!),
      target: 'list_ms and read_ms at most a third of opening it each time; per_second at least five times as many',
    }
  } finally {
    for (const way of Object.values(ways)) await way.stop()
    await dovecot.stop()
  }
}

interface Row {
  list_ms: number
  read_ms: number
  lists_per_second: number
  reads_per_second: number
}

let reads = 0
/** UIDs from all over the folder, none of them read recently. */
const someUid = () => 1 + ((reads++ * 7919) % messages)

async function each({ list, read }: Way): Promise<Row> {
  return {
    list_ms: await timeOf(list),
    read_ms: await timeOf(() => read(someUid())),
    lists_per_second: await rateOf(list),
    reads_per_second: await rateOf(() => read(someUid())),
  }
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let turn = 0; turn < alone; turn++) {
    const began = performance.now()
    await work()
    times.push(performance.now() - began)
  }
  return median(times)
}

async function rateOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  let done = 0
  const caller = async () => {
    while (performance.now() - began < secondsEach * 1000) {
      await work()
      done++
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return (done * 1000) / (performance.now() - began)
}

function summary(rows: Row[]): Row {
  const of = (name: keyof Row) => round(median(rows.map(row => row[name])))
  return {
    list_ms: of('list_ms'),
    read_ms: of('read_ms'),
    lists_per_second: of('lists_per_second'),
    reads_per_second: of('reads_per_second'),
  }
}

function ratios(one: Row, other: Row): Row {
  const names = Object.keys(one) as (keyof Row)[]
  return Object.fromEntries(names.map(name => [name, round(one[name] / other[name])])) as unknown as Row
}

/** Reads through the connection pool. @param provedMs 0 opens the folder for each request. */
function throughPool(dovecot: Dovecot, provedMs: number): Way {
  const pool = new ConnectionPool({
    gateway: new ImapFlowGateway({ keeping: { ...keepingTimes, provedMs } }),
    login: async () => ({ host: '127.0.0.1', port: dovecot.imapPort, tls: 'none', ...dovecot.users[0]! }),
    limits: { connection_timeout_seconds: 60, max_connections: 20, connection_pool_size: connections },
    health: { setConnections: () => undefined },
    logger: createLogger('warn'),
  })
  return {
    list: () => pool.run('a', 'interactive', one => one.listMessages('INBOX', page, undefined), signal, 'INBOX'),
    read: uid => pool.run('a', 'interactive', one => one.getMessage('INBOX', uid, 1024 * 1024), signal, 'INBOX'),
    stop: () => pool.stop(),
  }
}

/** The least that ImapFlow needs for it: as many connections, the folder open, NOOP, and one more command. */
async function bare(dovecot: Dovecot): Promise<Way> {
  const { user, password: pass } = dovecot.users[0]!
  const free: ImapFlow[] = []
  const all: ImapFlow[] = []
  const waiting: ((client: ImapFlow) => void)[] = []
  for (let count = 0; count < connections; count++) {
    const options = {
      host: '127.0.0.1',
      port: dovecot.imapPort,
      secure: false,
      doSTARTTLS: false,
      disableAutoIdle: true,
    }
    const client = new ImapFlow({ ...options, auth: { user, pass }, logger: false })
    await client.connect()
    await client.mailboxOpen('INBOX', { readOnly: true })
    all.push(client)
    free.push(client)
  }
  const lend = async (work: (client: ImapFlow) => Promise<unknown>) => {
    const client = free.pop() ?? (await new Promise<ImapFlow>(resolve => waiting.push(resolve)))
    try {
      await client.noop()
      return await work(client)
    } finally {
      const next = waiting.shift()
      if (next) next(client)
      else free.push(client)
    }
  }
  const header = { uid: true, flags: true, envelope: true, internalDate: true, size: true, bodyStructure: true }
  return {
    list: () => lend(client => client.fetchAll(`${messages - page + 1}:${messages}`, header)),
    read: uid =>
      lend(async client => {
        await client.fetchOne(String(uid), { ...header, source: { start: 0, maxLength: 16 * 1024 } }, { uid: true })
        const { content } = await client.download(String(uid), '1', { uid: true })
        await content?.toArray()
      }),
    stop: async () => {
      await Promise.all(all.map(client => client.logout()))
    },
  }
}
