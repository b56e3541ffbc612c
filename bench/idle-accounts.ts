/**
 * The cost of idle accounts: memory and CPU of a server with 200 indexed mailboxes on one Dovecot, beside one that
 * indexes nothing. RUSTYMAIL_BENCH_ACCOUNTS for fewer.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { IndexStatus } from '../contract/mail-index.ts'
import { type Dovecot, startDovecot } from '../test/support/dovecot.ts'
import { apiKey, cpuMs, mainCpuMs, round, rssBytes, startRustyMail, unlimited } from './measure.ts'

const count = Number(process.env.RUSTYMAIL_BENCH_ACCOUNTS ?? 200)
const mails = 20
/** Milliseconds until the index threads have ended: two rounds, and a minute without use. */
const restMs = Number(process.env.RUSTYMAIL_BENCH_REST_SECONDS ?? 240) * 1000
const measuredMs = 120_000
const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }

export async function idleAccounts(): Promise<object> {
  const dovecot = await startDovecot({ moreUsers: count, fill: fillMailboxes })
  try {
    const off = await idle(dovecot, 'off')
    const text = await idle(dovecot, 'text')
    return {
      what: `${count} accounts with ${mails} messages each, idle: RSS, and processor of all threads and of the main thread over ${measuredMs / 1000} s, ${restMs / 1000} s after all was indexed`,
      text,
      off,
      targets: { rss_mib: '<= 350', processor_percent: '<= 5' },
    }
  } finally {
    await dovecot.stop()
  }
}

async function idle(dovecot: Dovecot, level: 'off' | 'text') {
  const server = await startRustyMail(undefined, { ...unlimited, RUSTYMAIL_INDEX: level })
  try {
    const began = performance.now()
    const ids: string[] = []
    for (let number = 0; number < count; number++) ids.push(await connect(server.url, dovecot.imapPort, number))
    for (const id of ids) await isSettled(server.url, id, level)
    const usableAfter = performance.now() - began
    await wait(restMs)
    const [before, mainBefore] = [cpuMs(server.pid), mainCpuMs(server.pid)]
    await wait(measuredMs)
    const percent = (ms: number) => round((ms / measuredMs) * 100)
    return {
      indexed_after_s: round(usableAfter / 1000),
      rss_mib: round(rssBytes(server.pid) / 2 ** 20),
      processor_percent: percent(cpuMs(server.pid) - before),
      main_thread_percent: percent(mainCpuMs(server.pid) - mainBefore),
      connections: (await get<{ active_connections: number }>(`${server.url}/api/dashboard/stats`)).active_connections,
    }
  } finally {
    await server.stop()
  }
}

async function connect(url: string, port: number, number: number): Promise<string> {
  const user = `user${number}@test.local`
  const body = { email: user, imap: { host: '127.0.0.1', port, tls: 'none', user, password: 'pw-user' } }
  const answer = await fetch(`${url}/api/dashboard/accounts?verify=false`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`an account was answered ${answer.status}: ${await answer.text()}`)
  return ((await answer.json()) as { id: string }).id
}

async function isSettled(url: string, id: string, level: 'off' | 'text'): Promise<void> {
  for (;;) {
    const { state } = await get<{ state: string }>(`${url}/api/dashboard/accounts/${id}`)
    const index = await get<IndexStatus>(`${url}/api/v1/accounts/${id}/index`)
    if (state === 'ready' && (level === 'off' || (index.state === 'complete' && index.texts === mails))) return
    await wait(250)
  }
}

async function get<Answer>(url: string): Promise<Answer> {
  const response = await fetch(url, { headers })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return (await response.json()) as Answer
}

function fillMailboxes(directory: string): void {
  for (let number = 0; number < count; number++) {
    const maildir = join(directory, `user${number}@test.local`, 'Maildir')
    for (const name of ['cur', 'new', 'tmp']) mkdirSync(join(maildir, name), { recursive: true })
    for (let mail = 0; mail < mails; mail++) {
      const at = 1_700_000_000 + mail
      const text = `From: Ann <ann@example.org>\r\nSubject: Mail ${mail}\r\nMessage-ID: <${number}.${mail}@x>\r\n\r\nWords of mail ${mail}.\r\n`
      writeFileSync(join(maildir, 'cur', `${at}.M${mail}P1.bench,S=${text.length},W=${text.length}:2,S`), text)
    }
  }
}
