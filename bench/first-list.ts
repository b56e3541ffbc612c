/**
 * When a mailbox of 100,000 messages becomes usable: the first list after its account was added, and after a restart
 * once it is fully indexed, beside a bare ImapFlow client that logs in and lists the same. RUSTYMAIL_BENCH_MESSAGES for
 * fewer.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { ImapFlow } from 'imapflow'
import type { IndexStatus } from '../contract/mail-index.ts'
import { startDovecot } from '../test/support/dovecot.ts'
import { fillMaildir } from './large-mailbox.ts'
import { apiKey, connectAlice, median, round, startRustyMail } from './measure.ts'

const count = Number(process.env.RUSTYMAIL_BENCH_MESSAGES ?? 100_000)
const rounds = 5
const listed = 50
const user = 'alice@test.local'
const headers = { authorization: `Bearer ${apiKey}` }

interface List {
  items: object[]
  source: string
}

export async function firstList(): Promise<object> {
  const dir = mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
  const dovecot = await startDovecot({ fill: mail => fillMaildir(join(mail, user, 'Maildir'), count) })
  try {
    // Dovecot reads all files once, whichever client comes first.
    await bareMs(dovecot.imapPort)
    const bare: number[] = []
    const added: number[] = []
    for (let turn = 0; turn < rounds; turn++) {
      bare.push(await bareMs(dovecot.imapPort))
      const server = await startRustyMail()
      const began = performance.now()
      const id = await connectAlice(server.url, dovecot.imapPort, false)
      await list(server.url, id)
      added.push(performance.now() - began)
      await server.stop()
    }
    const dataDir = join(dir, 'data')
    const first = await startRustyMail(dataDir)
    const id = await connectAlice(first.url, dovecot.imapPort, false)
    while (!(await isIndexed(first.url, id))) await wait(250)
    await first.stop()
    const restarts: number[] = []
    const ready: number[] = []
    const sources = new Set<string>()
    for (let turn = 0; turn < rounds; turn++) {
      const began = performance.now()
      const server = await startRustyMail(dataDir)
      sources.add((await list(server.url, id)).source)
      restarts.push(performance.now() - began)
      ready.push(server.startMs)
      await server.stop()
    }
    return {
      what: `${count} messages; ms of ${rounds} rounds: from adding the account to the first list of ${listed}, and from the start of the process to it`,
      bare_login_and_list_ms: bare.map(ms => round(ms)),
      added_ms: added.map(ms => round(ms)),
      restart_ms: restarts.map(ms => round(ms)),
      of_which_until_ready_ms: ready.map(ms => round(ms)),
      restart_list_from: [...sources],
      added_median_ms: round(median(added)),
      restart_median_ms: round(median(restarts)),
      targets: { added_ms: '<= 1000', restart_ms: '<= 1200' },
    }
  } finally {
    await dovecot.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function list(url: string, id: string): Promise<List> {
  const page = await read<List>(`${url}/api/v1/accounts/${id}/messages?limit=${listed}`)
  if (page.items.length !== listed) throw new Error(`${page.items.length} of ${listed} messages came`)
  return page
}

async function isIndexed(url: string, id: string): Promise<boolean> {
  const { state, texts } = await read<IndexStatus>(`${url}/api/v1/accounts/${id}/index`)
  return state === 'complete' && texts === count
}

async function read<Answer>(url: string): Promise<Answer> {
  const response = await fetch(url, { headers })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return (await response.json()) as Answer
}

async function bareMs(port: number): Promise<number> {
  const auth = { user, pass: 'pw-alice' }
  const began = performance.now()
  const client = new ImapFlow({ host: '127.0.0.1', port, secure: false, doSTARTTLS: false, auth, logger: false })
  await client.connect()
  try {
    const { exists } = await client.mailboxOpen('INBOX')
    const wanted = { uid: true, flags: true, internalDate: true, size: true, envelope: true, bodyStructure: true }
    for await (const _ of client.fetch(`${exists - listed + 1}:*`, wanted));
    return performance.now() - began
  } finally {
    await client.logout()
  }
}
