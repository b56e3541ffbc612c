/**
 * The newest 50 messages of an indexed mailbox over the API by one caller, in turn with the same list over a bare
 * ImapFlow connection that has the folder open, with a program that connects, logs in, opens the folder, fetches and
 * logs out for each list, and with the server's cheapest HTTP response; then 32 callers, and the CPU time of a list.
 */
import { Agent } from 'node:http'
import { join } from 'node:path'
import { ImapFlow } from 'imapflow'
import { type Dovecot, startDovecot } from '../test/support/dovecot.ts'
import { fillMaildir } from './large-mailbox.ts'
import { apiKey, connectAlice, get, mainCpuMs, preciseCpuMs, round, startRustyMail, unlimited } from './measure.ts'

const messages = Number(process.env.MESSAGES ?? 100_000)
const rounds = 5
const alone = 60
/** The client without a kept connection runs in every fifth round only, since it takes the longest. */
const unkeptEvery = 5
const callers = 32
const secondsEach = Number(process.env.SECONDS_EACH ?? 5)
const page = 50

export async function indexLists(): Promise<object> {
  const fill = (directory: string) => fillMaildir(join(directory, 'alice@test.local', 'Maildir'), messages)
  const dovecot = await startDovecot({ fill })
  const rustymail = await startRustyMail(undefined, { ...unlimited, RUSTYMAIL_INDEX: 'headers' })
  const agent = new Agent({ keepAlive: true, maxSockets: callers })
  let bare: ImapFlow | undefined
  try {
    const accountId = await connectAlice(rustymail.url, dovecot.imapPort)
    const url = `${rustymail.url}/api/v1/accounts/${accountId}/messages?limit=${page}`
    const indexedMs = await untilIndexed(url)
    bare = await openBare(dovecot)
    const overImap = bare
    const ways = {
      index: () => get(url, agent),
      bare_imapflow: () => listOverImap(overImap),
      empty_answer: () => get(`${rustymail.url}/health/live`, agent),
    }
    const times: Record<string, number[]> = {
      index: [],
      bare_imapflow: [],
      empty_answer: [],
      imapflow_connecting_each_time: [],
    }
    for (const way of Object.values(ways)) await way()
    for (let turn = 0; turn < rounds * alone; turn++) {
      for (const [name, way] of Object.entries(ways)) times[name]!.push(await timeOf(way))
      if (turn % unkeptEvery === 0) times.imapflow_connecting_each_time!.push(await timeOf(() => listOnce(dovecot)))
    }
    const [index, floor, empty, unkept] = [
      times.index!,
      times.bare_imapflow!,
      times.empty_answer!,
      times.imapflow_connecting_each_time!,
    ].map(summary)
    return {
      what: `ms of a list of ${page} of ${messages} messages, one caller, in turn (${rounds * alone} each); then ${callers} callers on the index for ${secondsEach} s`,
      indexed_after_s: round(indexedMs / 1000),
      index,
      bare_imapflow: floor,
      imapflow_connecting_each_time: unkept,
      empty_answer: empty,
      times_faster_p50: round(floor!.p50 / index!.p50),
      times_faster_than_connecting_each_time_p50: round(unkept!.p50 / index!.p50),
      times_faster_if_it_took_nothing: round(floor!.p50 / empty!.p50),
      together: await together(ways.index, rustymail.pid),
      target: 'p50 <= 3 ms, p95 <= 10 ms, 20 times faster; 32 callers: 1,500 a second, p99 <= 60 ms',
    }
  } finally {
    agent.destroy()
    await bare?.logout()
    await rustymail.stop()
    await dovecot.stop()
  }
}

/** Returns the time from the account's first list on, which the mail server answers. */
async function untilIndexed(url: string): Promise<number> {
  const began = performance.now()
  for (;;) {
    const answer = await fetch(url, { headers: { authorization: `Bearer ${apiKey}` } })
    const { source, items } = (await answer.json()) as { source: string; items: unknown[] }
    if (source === 'index' && items.length === page) return performance.now() - began
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

async function openBare(dovecot: Dovecot): Promise<ImapFlow> {
  const { user, password: pass } = dovecot.users[0]!
  const place = { host: '127.0.0.1', port: dovecot.imapPort, secure: false, doSTARTTLS: false, disableAutoIdle: true }
  const client = new ImapFlow({ ...place, auth: { user, pass }, logger: false })
  await client.connect()
  await client.mailboxOpen('INBOX', { readOnly: true })
  return client
}

async function listOnce(dovecot: Dovecot): Promise<void> {
  const client = await openBare(dovecot)
  await fetchPage(client)
  await client.logout()
}

/** Sends the fewest commands that show the same: what arrived meanwhile, then the page. */
async function listOverImap(client: ImapFlow): Promise<void> {
  await client.noop()
  await fetchPage(client)
}

async function fetchPage(client: ImapFlow): Promise<void> {
  const query = { uid: true, flags: true, envelope: true, internalDate: true, size: true, bodyStructure: true }
  await client.fetchAll(`${messages - page + 1}:${messages}`, query)
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

async function together(list: () => Promise<void>, pid: number): Promise<object> {
  const times: number[] = []
  const before = { all: preciseCpuMs(pid), main: mainCpuMs(pid) }
  const began = performance.now()
  const caller = async () => {
    while (performance.now() - began < secondsEach * 1000) times.push(await timeOf(list))
  }
  await Promise.all(Array.from({ length: callers }, caller))
  const seconds = (performance.now() - began) / 1000
  const used = (from: number, to: number) => round((to - from) / times.length)
  return {
    lists_per_second: round(times.length / seconds),
    p50: at(times, 0.5),
    p99: at(times, 0.99),
    server_cpu_ms_each: used(before.all, preciseCpuMs(pid)),
    main_thread_cpu_ms_each: used(before.main, mainCpuMs(pid)),
  }
}

function summary(times: number[]) {
  return { p50: at(times, 0.5), p95: at(times, 0.95) }
}

function at(times: readonly number[], share: number): number {
  const sorted = times.toSorted((one, other) => one - other)
  return round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!)
}
