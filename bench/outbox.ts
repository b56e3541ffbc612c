/**
 * Sending 2,000 messages of one account over ten connections to a local sink, beside nodemailer's own pool that sends
 * the same; and the cost of 10,000 waiting messages: memory, and lists of mail beside them. In turn, over several
 * rounds; medians. Takes some minutes.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { api } from '../contract/index.ts'
import { startDovecot } from '../test/support/dovecot.ts'
import { SmtpSink } from '../test/support/smtp-sink.ts'
import { fillMaildir } from './large-mailbox.ts'
import { apiKey, connectAlice, median, preciseCpuMs, round, rssBytes, startRustyMail, unlimited } from './measure.ts'
import { fillOutbox, sender } from './outbox-fill.ts'

const sent = 2_000
const connections = 10
const rounds = 3
const waiting = 10_000
const lists = 600
const warmUp = 100
const untilSentMs = 120_000
const environment = { ...unlimited, RUSTYMAIL_SMTP_CONNECTIONS: String(connections), RUSTYMAIL_INDEX: 'off' }
const run = promisify(execFile)

export async function outbox(): Promise<object> {
  const dir = mkdtempSync(join(tmpdir(), 'rustymail-outbox-'))
  try {
    const first = await beside(dir)
    return { waiting: first, sending: await sending(dir) }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

async function sending(dir: string): Promise<object> {
  const ours: { perSecond: number; cpuMs: number }[] = []
  const theirs: { perSecond: number; cpuMs: number }[] = []
  for (let turn = 0; turn < rounds; turn++) {
    const sink = new SmtpSink({ isCounting: false })
    const port = await sink.start()
    const dataDir = join(dir, `sending-${turn}`)
    let server = await startRustyMail(dataDir, environment)
    // Its IMAP server is unreachable: saving copies is not measured.
    const account = await addAccount(server.url, 1, port)
    await server.stop()
    await fillOutbox(dataDir, account, sent, null)
    const { promise: all, resolve } = Promise.withResolvers<void>()
    let first = 0
    sink.onTaken = count => {
      if (count === 1) first = performance.now()
      if (count === sent) resolve()
    }
    server = await startRustyMail(dataDir, environment)
    const cpu = preciseCpuMs(server.pid)
    const { promise: late, reject } = Promise.withResolvers<never>()
    const limit = setTimeout(() => reject(new Error('not all messages reached the sink in time')), untilSentMs)
    await Promise.race([all, late]).finally(() => clearTimeout(limit))
    const seconds = (performance.now() - first) / 1_000
    ours.push({ perSecond: sent / seconds, cpuMs: (preciseCpuMs(server.pid) - cpu) / sent })
    await server.stop()
    sink.onTaken = () => undefined
    const peer = join(import.meta.dirname, 'peers/nodemailer-pool.ts')
    const { stdout } = await run(process.execPath, [peer, String(port), String(sent), String(connections)])
    const { ms, cpuMs } = JSON.parse(stdout) as { ms: number; cpuMs: number }
    theirs.push({ perSecond: (sent * 1_000) / ms, cpuMs: cpuMs / sent })
    await sink.stop()
  }
  const [own, peer] = [ours, theirs].map(rows => ({
    messages_per_second: round(median(rows.map(row => row.perSecond))),
    cpu_ms_per_message: round(median(rows.map(row => row.cpuMs))),
  })) as [Figures, Figures]
  return {
    messages: sent,
    connections,
    rustymail: own,
    nodemailer_pool: peer,
    rate_ratio: round(own.messages_per_second / peer.messages_per_second),
  }
}

interface Figures {
  messages_per_second: number
  cpu_ms_per_message: number
}

async function beside(dir: string): Promise<object> {
  const dovecot = await startDovecot({
    fill: directory => fillMaildir(join(directory, 'alice@test.local', 'Maildir'), 1_000),
  })
  try {
    const dirs = ['none', 'full'].map(name => join(dir, name)) as [string, string]
    const alices: string[] = []
    for (const [index, dataDir] of dirs.entries()) {
      const server = await startRustyMail(dataDir, environment)
      alices.push(await connectAlice(server.url, dovecot.imapPort))
      const account = await addAccount(server.url, 1, 1)
      await server.stop()
      if (index === 1) await fillOutbox(dataDir, account, waiting, '2999-01-01T00:00:00.000Z')
    }
    const servers = await Promise.all(dirs.map(dataDir => startRustyMail(dataDir, environment)))
    try {
      const paths = await Promise.all(servers.map(({ url }, index) => listOf(url, alices[index]!)))
      const times: [number[], number[]] = [[], []]
      for (let turn = -warmUp; turn < lists; turn++) {
        // Which of the two goes first alternates.
        for (const which of turn % 2 === 0 ? [0, 1] : [1, 0]) {
          const began = performance.now()
          await get(paths[which]!)
          if (turn >= 0) times[which as 0 | 1].push(performance.now() - began)
        }
      }
      for (const { url } of servers) await get(`${url}${api.outbox.listSubmissions.path}?limit=100`)
      const [none, full] = times.map(all => all.sort((a, b) => a - b)[Math.floor(all.length * 0.95)]!) as [
        number,
        number,
      ]
      const [before, after] = servers.map(({ pid }) => rssBytes(pid)) as [number, number]
      return {
        messages: waiting,
        rss_mib: round((after - before) / 2 ** 20),
        list_p95_ms: { without: round(none), beside: round(full) },
        list_p95_ratio: round(full / none),
      }
    } finally {
      for (const server of servers) await server.stop()
    }
  } finally {
    await dovecot.stop()
  }
}

async function addAccount(url: string, imapPort: number, smtpPort: number): Promise<string> {
  const imap = { host: '127.0.0.1', port: imapPort, tls: 'none', user: 'bench', password: 'secret' }
  const smtp = { host: '127.0.0.1', port: smtpPort, tls: 'none', user: 'bench', password: 'secret' }
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ email: sender, imap, smtp })
  const answer = await fetch(`${url}${api.accounts.createAccount.path}?verify=false`, { method: 'POST', headers, body })
  if (!answer.ok) throw new Error(await answer.text())
  return ((await answer.json()) as { id: string }).id
}

async function listOf(url: string, accountId: string): Promise<string> {
  const path = `${url}${api.mail.listMessages.path.replace('{account_id}', accountId)}?folder=INBOX&limit=50`
  await get(path)
  return path
}

async function get(url: string): Promise<unknown> {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${apiKey}` } })
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`)
  return answer.json()
}
