/**
 * From IMAP to searchable: RustyMail indexes a mailbox of 100,000 messages on Dovecot, beside a bare ImapFlow client
 * that fetches the same, and `notmuch new` on the same files. RUSTYMAIL_BENCH_MESSAGES for fewer; RUSTYMAIL_BENCH_MAIL
 * names a folder that keeps them; RUSTYMAIL_BENCH_NOTMUCH=no skips notmuch, the slowest.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { ImapFlow } from 'imapflow'
import type { IndexStatus } from '../contract/mail-index.ts'
import { type Dovecot, startDovecot } from '../test/support/dovecot.ts'
import { type CorpusMessage, corpus } from './index-corpus.ts'
import { recordOf } from './index-fill.ts'
import {
  apiKey,
  connectAlice,
  highestRssBytes,
  median,
  preciseCpuMs,
  round,
  startRustyMail,
  unlimited,
} from './measure.ts'

const count = Number(process.env.RUSTYMAIL_BENCH_MESSAGES ?? 100_000)
const user = 'alice@test.local'
/** Milliseconds between two polls of its progress. */
const questionsMs = count / 100

export async function indexSync(): Promise<Record<string, unknown> & { variant: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
  const maildir = join(process.env.RUSTYMAIL_BENCH_MAIL ?? dir, `maildir-${count}`)
  let served = maildir
  if (!existsSync(maildir)) fillMaildir(maildir, [...corpus(count)])
  const dovecot = await startDovecot({
    fill(directory) {
      mkdirSync(join(directory, user), { recursive: true })
      served = join(directory, user, 'Maildir')
      renameSync(maildir, served)
    },
  })
  try {
    // Dovecot reads all files once, whichever client comes first.
    await bare(dovecot)
    const fetched = await bare(dovecot)
    const levels: Record<string, Sync> = {}
    for (const level of ['headers', 'text'] as const) levels[level] = await sync(dovecot, level)
    linkFiles(join(served, 'cur'), join(dir, 'mail'))
    const notmuch = process.env.RUSTYMAIL_BENCH_NOTMUCH === 'no' ? undefined : await notmuchCpuMs(dir)
    const { headers, text } = levels as Record<'headers' | 'text', Sync>
    return {
      variant: String(count),
      what: `${count} messages; seconds, ms of processor of all threads (of Dovecot none), MiB, and p99 of the delay of the event loop in ms`,
      load: loadavg().map(each => round(each)),
      bare_imapflow: fetched,
      headers,
      text,
      ...(notmuch !== undefined && { notmuch_processor_ms: Math.round(notmuch) }),
      headers_of_bare: round(headers.seconds / fetched.headers_seconds),
      text_of_bare: round(text.seconds / (fetched.headers_seconds + fetched.texts_seconds)),
      ...(notmuch !== undefined && { text_of_notmuch_processor: round(text.processor_ms / notmuch) }),
      targets: {
        headers_of_bare: '<= 2',
        text_of_bare: '<= 3',
        text_of_notmuch_processor: '<= 0.25',
        rss_mib: '<= 300',
        loop_p99_ms: '<= 20',
      },
    }
  } finally {
    await dovecot.halt()
    if (process.env.RUSTYMAIL_BENCH_MAIL) renameSync(served, maildir)
    await dovecot.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

interface Sync {
  seconds: number
  processor_ms: number
  rss_mib: number
  /** Median and maximum of the server's samples, each the 99th percentile of some seconds. */
  loop_p99_ms: number
  loop_p99_ms_highest: number
}

/** Measures until each message is indexed, without the server's start and its idle cost. */
async function sync(dovecot: Dovecot, level: 'headers' | 'text'): Promise<Sync> {
  const server = await startRustyMail(undefined, { ...unlimited, RUSTYMAIL_INDEX: level })
  try {
    const before = preciseCpuMs(server.pid)
    const began = performance.now()
    const id = await connectAlice(server.url, dovecot.imapPort, false)
    const delays: number[] = []
    for (;;) {
      const status = await read<IndexStatus>(`${server.url}/api/v1/accounts/${id}/index`)
      delays.push(await loopDelayMs(server.url))
      const { messages, texts } = status
      if (messages >= count && (level === 'headers' || texts >= messages)) break
      // Each poll costs the server some of what is measured.
      await wait(questionsMs)
    }
    delays.sort((one, other) => one - other)
    return {
      seconds: round((performance.now() - began) / 1000),
      processor_ms: Math.round(preciseCpuMs(server.pid) - before),
      rss_mib: round(highestRssBytes(server.pid) / 2 ** 20),
      loop_p99_ms: round(median(delays)),
      loop_p99_ms_highest: round(delays.at(-1)!),
    }
  } finally {
    await server.stop()
  }
}

async function read<Answer>(url: string): Promise<Answer> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${apiKey}` } })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return (await response.json()) as Answer
}

/** Returns the loop delay as the server measures it. */
async function loopDelayMs(url: string): Promise<number> {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${apiKey}` } })
  const [, seconds] = /^rustymail_process_event_loop_lag_seconds\S* (\S+)$/m.exec(await response.text()) ?? []
  if (seconds === undefined) throw new Error('the server does not say how late its event loop is')
  return Number(seconds) * 1000
}

/** Fetches what an index needs of each message: all headers in one fetch, all texts in another. */
async function bare(dovecot: Dovecot) {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: dovecot.imapPort,
    secure: false,
    doSTARTTLS: false,
    auth: { user, pass: 'pw-alice' },
    logger: false,
  })
  await client.connect()
  try {
    await client.mailboxOpen('INBOX')
    const timed = async (query: Parameters<ImapFlow['fetch']>[1]) => {
      const began = performance.now()
      const before = process.cpuUsage()
      let seen = 0
      for await (const _ of client.fetch('1:*', query)) seen++
      if (seen !== count) throw new Error(`${seen} of ${count} messages came`)
      const { user: own, system } = process.cpuUsage(before)
      return { seconds: round((performance.now() - began) / 1000), processorMs: Math.round((own + system) / 1000) }
    }
    const everything = { uid: true, flags: true, internalDate: true, size: true, envelope: true, bodyStructure: true }
    const headers = await timed({ ...everything, headers: ['references'] })
    const texts = await timed({ uid: true, bodyParts: ['1'] })
    return {
      headers_seconds: headers.seconds,
      headers_processor_ms: headers.processorMs,
      texts_seconds: texts.seconds,
      texts_processor_ms: texts.processorMs,
    }
  } finally {
    await client.logout()
  }
}

async function notmuchCpuMs(dir: string): Promise<number> {
  const config = join(dir, 'notmuch-config')
  writeFileSync(
    config,
    `[database]\npath=${join(dir, 'mail')}\n[user]\nname=A\nprimary_email=a@example.com\n[new]\ntags=new\n`,
  )
  const child = spawn('bash', ['-c', 'TIMEFORMAT="%U %S"; time notmuch new --quiet'], {
    env: { ...process.env, NOTMUCH_CONFIG: config, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (piece: Buffer) => {
    said += piece.toString()
  })
  const [code] = await once(child, 'close')
  const [, own, system] = /(\d+\.\d+) (\d+\.\d+)\s*$/.exec(said) ?? []
  if (code !== 0 || own === undefined) throw new Error(`notmuch ended with ${code}: ${said}`)
  return (Number(own) + Number(system)) * 1000
}

/** Links the files, so that notmuch adds its index outside the mail folder. */
function linkFiles(from: string, to: string): void {
  mkdirSync(to)
  for (const name of readdirSync(from)) linkSync(join(from, name), join(to, name))
}

function fillMaildir(maildir: string, messages: readonly CorpusMessage[]): void {
  for (const name of ['cur', 'new', 'tmp']) mkdirSync(join(maildir, name), { recursive: true })
  for (const [index, { body, date }] of messages.entries()) {
    const record = recordOf(messages, index + 1)
    const person = ({ name, email }: { name: string | null; email: string }) => `${name} <${email}>`
    const head = [
      `From: ${record.from.map(person).join(', ')}`,
      `To: ${record.to.map(person).join(', ')}`,
      `Subject: ${encodedWord(record.subject)}`,
      `Date: ${new Date(date).toUTCString().replace('GMT', '+0000')}`,
      `Message-ID: ${record.messageId}`,
      ...(record.inReplyTo === null ? [] : [`In-Reply-To: ${record.inReplyTo}`]),
      ...(record.references.length === 0 ? [] : [`References: ${record.references.join('\r\n ')}`]),
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: 8bit',
    ]
    const mail = Buffer.from(`${head.join('\r\n')}\r\n\r\n${body.replaceAll('\n', '\r\n')}\r\n`)
    const seconds = Math.floor(date / 1000)
    const flags = record.flags.includes('\\Seen') ? 'S' : ''
    const name = `${seconds}.M${index}P1.bench,S=${mail.length},W=${mail.length}:2,${flags}`
    const file = join(maildir, 'cur', name)
    writeFileSync(file, mail)
    // Dovecot uses the modification time as the date of arrival.
    utimesSync(file, seconds, seconds)
  }
}

const isPlain = (text: string) => /^[\x20-\x7e]*$/.test(text)
const encodedWord = (text: string) => (isPlain(text) ? text : `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`)
