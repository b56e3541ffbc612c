/** Real mailboxes of mail that gives orders, one per agent, on one server, and ways to inspect them afterwards. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { expect } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import type { TokenPolicy } from '../../contract/policy.ts'
import type { Scope } from '../../contract/scope.ts'
import type { DojoMail } from './corpora.ts'
import { type Dovecot, startDovecot } from './dovecot.ts'
import { type NewToken, type People, runApp } from './people.ts'
import { SmtpSink } from './smtp-sink.ts'
import { untilIndexed } from './until-indexed.ts'

export interface Mail {
  /** Used as its Message-ID. */
  id: string
  from: string
  to: string[]
  cc?: string[]
  subject: string
  body: string
  html?: boolean
  isSent?: boolean
  isRead?: boolean
  at: string
  /** Text of an attached file. */
  file?: string
}

export interface Mailbox {
  user: string
  accountId: string
  sink: SmtpSink
  mails: readonly Mail[]
}

export interface ObedientWorld {
  people: People
  dovecot: Dovecot
  mailboxes: Mailbox[]
  token(mailbox: Mailbox, scopes: Scope[], policy: TokenPolicy): Promise<NewToken>
  /** Addresses that this process connected to, other than its own servers. */
  strayConnections(): string[]
  stop(): Promise<void>
}

export const toMail = ({
  id_: id,
  sender,
  recipients,
  cc,
  subject,
  body,
  status,
  read,
  timestamp,
}: DojoMail): Mail => ({
  ...{ id, from: sender, to: recipients, cc, subject, body, at: `${timestamp}Z` },
  ...{ isSent: status === 'sent', isRead: read },
})

/** Starts a world with a mailbox of `owner` for each list. */
export async function startObedientWorld(owner: string, lists: readonly (readonly Mail[])[]): Promise<ObedientWorld> {
  const ends: (() => unknown)[] = []
  const stop = async () => {
    for (const end of ends.reverse()) await end()
  }
  try {
    const dovecot = await startDovecot({ moreUsers: lists.length })
    ends.push(() => dovecot.stop())
    const stray = watchConnections()
    ends.push(stray.stop)
    const started = await runApp({ environment: { RUSTYMAIL_INDEX: 'text' } })
    ends.push(started.stop)
    const { people } = started
    stray.allow(Number(new URL(people.url).port), dovecot.imapPort)
    const mailboxes: Mailbox[] = []
    for (const [at, mails] of lists.entries()) {
      const user = `user${at}@test.local`
      await fill(dovecot, user, mails)
      const sink = new SmtpSink({ password: 'pw-user' })
      ends.push(() => sink.stop())
      stray.allow(await sink.start())
      const login = { host: '127.0.0.1', tls: 'none', user, password: 'pw-user' }
      const servers = { imap: { ...login, port: dovecot.imapPort }, smtp: { ...login, port: sink.port } }
      const path = `${api.accounts.createAccount.path}?verify=false`
      const body = { name: `Emma ${at}`, email: owner, ...servers }
      const { id } = await people.tell<Account>(people.admin, 'POST', path, body)
      mailboxes.push({ user, accountId: id, sink, mails })
    }
    for (const { accountId, mails } of mailboxes) await untilIndexed(people, accountId, mails.length)
    const token: ObedientWorld['token'] = async ({ accountId }, scopes, policy) => {
      const made = await people.token(scopes, [accountId])
      const path = api.policy.setTokenPolicy.path.replace('{token_id}', made.id)
      await people.tell(people.admin, 'PUT', path, policy)
      return made
    }
    return { people, dovecot, mailboxes, token, strayConnections: stray.found, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function fill(dovecot: Dovecot, user: string, mails: readonly Mail[]): Promise<void> {
  const imap = await dovecot.login(user)
  try {
    for (const mail of mails) {
      const flags = mail.isRead || mail.isSent ? ['\\Seen'] : []
      const bytes = bytesOf(mail)
      const folder = mail.isSent ? 'Sent' : 'INBOX'
      await imap.run(`APPEND ${folder} (${flags.join(' ')}) "${internalDate(mail.at)}" {${bytes.length}}`, bytes)
    }
  } finally {
    imap.close()
  }
}

/** Formats a date as RFC 9051 does. */
function internalDate(at: string): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(at).toUTCString()) ?? []
  return `${day}-${month}-${year} ${time} +0000`
}

function bytesOf({ id, from, to, cc = [], subject, body, html, at, file }: Mail): Buffer {
  const type = `Content-Type: text/${html ? 'html' : 'plain'}; charset=utf-8\nContent-Transfer-Encoding: 8bit\n`
  const boundary = 'boundary-of-parts'
  const attached = `--${boundary}\nContent-Type: text/plain; name="notes.txt"\nContent-Disposition: attachment; filename="notes.txt"\n\n${file}\n--${boundary}--\n`
  const lines = [
    `From: ${from}`,
    `To: ${to.join(', ')}`,
    ...(cc.length > 0 ? [`Cc: ${cc.join(', ')}`] : []),
    `Subject: ${subject}`,
    `Date: ${new Date(at).toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${id}@corpus.test>`,
    'MIME-Version: 1.0',
  ]
  const content =
    file === undefined
      ? `${type}\n${body}`
      : `Content-Type: multipart/mixed; boundary="${boundary}"\n\n--${boundary}\n${type}\n${body}\n${attached}`
  return Buffer.from(`${lines.join('\n')}\n${content}`.replaceAll(/\r?\n/g, '\r\n'))
}

/** Moves and marks messages back to their initial state, as a human would. */
export async function restore(world: ObedientWorld, mailbox: Mailbox): Promise<void> {
  const { dovecot, people } = world
  const kept = await mailsIn(world, mailbox)
  const imap = await dovecot.login(mailbox.user)
  try {
    for (const { id, isSent, isRead } of mailbox.mails) {
      const { folder = '', isRead: isReadNow } = kept.get(id) ?? {}
      const home = isSent ? 'Sent' : 'INBOX'
      if (folder === home && (isRead || isSent || !isReadNow)) continue
      await imap.run(`SELECT "${folder}"`)
      const found = await imap.run(`UID SEARCH HEADER Message-ID "<${id}@corpus.test>"`)
      const uid = /SEARCH (\d+)/.exec(found)?.[1]
      if (!isRead && !isSent) await imap.run(`UID STORE ${uid} -FLAGS (\\Seen)`)
      if (folder !== home) await imap.run(`UID MOVE ${uid} ${home}`)
    }
  } finally {
    imap.close()
  }
  const unread = mailbox.mails.filter(mail => !mail.isRead && !mail.isSent).length
  const found = async () => {
    const path = `/api/v1/accounts/${mailbox.accountId}/search?facets=true&limit=1&q=`
    const count = async (q: string) =>
      (await people.tell<{ total: number }>(people.admin, 'GET', path + encodeURIComponent(q))).total
    return [await count('in:inbox is:unread'), await count('in:inbox')]
  }
  const inbox = mailbox.mails.filter(mail => !mail.isSent).length
  await expect.poll(found).toEqual([unread, inbox])
}

export interface Kept {
  folder: string
  isRead: boolean
}

/** Returns the mails of all folders by id, as seen over IMAP. */
export async function mailsIn({ dovecot }: ObedientWorld, { user }: Mailbox): Promise<Map<string, Kept>> {
  const imap = await dovecot.login(user)
  try {
    const kept = new Map<string, Kept>()
    const listed = await imap.run('LIST "" "*"')
    const folders = [...listed.matchAll(/^\* LIST \([^)]*\) "[^"]*" "?([^"\r\n]+)"?/gm)].map(([, path = '']) => path)
    for (const folder of folders) {
      const { length } = await imap.run(`EXAMINE "${folder}"`)
      if (length === 0) continue
      const answer = await imap.run('FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])').catch(() => '')
      for (const [, flags = '', id = ''] of answer.matchAll(/FLAGS \(([^)]*)\)[\s\S]*?<([^>]*)@corpus\.test>/g))
        kept.set(id, { folder, isRead: flags.includes('\\Seen') })
    }
    return kept
  } finally {
    imap.close()
  }
}

/** Records each socket that this process opens; the server's threads open none. */
function watchConnections() {
  const allowed = new Set<number>()
  const seen: { port: number | undefined; address: string | undefined }[] = []
  const hear = (message: unknown) => {
    const { socket } = message as { socket: Socket }
    socket.on('lookup', (_error, _address, _family, host) => {
      if (host !== 'localhost') seen.push({ port: undefined, address: String(host) })
    })
    socket.on('connectionAttempt', (address, port) => seen.push({ port, address }))
  }
  subscribe('net.client.socket', hear)
  return {
    allow: (...ports: number[]) => {
      for (const port of ports) allowed.add(port)
    },
    found: () =>
      seen
        .filter(({ port, address }) => address !== '127.0.0.1' || port === undefined || !allowed.has(port))
        .map(({ port, address }) => `${address}:${port}`),
    stop: () => unsubscribe('net.client.socket', hear),
  }
}
