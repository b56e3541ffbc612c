/**
 * A server, in this process or as a program, with an account of many messages, whose index was filled directly and
 * whose mail server has nothing new.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { api } from '../contract/index.ts'
import { createApp } from '../server/app.ts'
import { loadConfig } from '../server/config.ts'
import { MemoryGateway } from '../server/imap/adapters/memory-gateway.ts'
import type { MailGateway } from '../server/imap/mail-gateway.ts'
import { IndexThreads } from '../server/index/index-threads.ts'
import { createLogger } from '../server/platform/logger.ts'
import { startDovecot } from '../test/support/dovecot.ts'
import { corpus } from './index-corpus.ts'
import { fillIndex, recordOf } from './index-fill.ts'
import { fillMaildir } from './large-mailbox.ts'
import { apiKey, startRustyMail, unlimited } from './measure.ts'

const user = 'alice@test.local'

interface IndexedApp {
  /** The set-up link. */
  link: string
  accountId: string
  dataDir: string
}

interface MailServer {
  /** Undefined uses the server named in the login. */
  gateway: MailGateway | undefined
  imap: { host: string; port: number; tls: 'none'; user: string; password: string }
  stop(): Promise<void>
}

/** @param isApart Uses Dovecot: an in-process mail server holds all messages on the measured heap (6 MB for 20,000). */
export async function withIndexedApp(
  count: number,
  work: (app: IndexedApp) => Promise<object>,
  environment: Record<string, string> = {},
  isApart = false,
): Promise<object> {
  return withIndexedData(count, isApart, async ({ dataDir, accountId, gateway }) => {
    const run = await start(dataDir, gateway, 'text', environment)
    try {
      await untilIndexed(run.app.address, accountId, count)
      return await work({ link: run.link, accountId, dataDir })
    } finally {
      await run.app.stop()
    }
  })
}

/** Runs the same account on a built RustyMail in a process of its own, with Dovecot. */
export async function withIndexedProgram(
  count: number,
  work: (program: { url: string; pid: number; accountId: string; dataDir: string }) => Promise<object>,
  environment: Record<string, string> = {},
): Promise<object> {
  return withIndexedData(count, true, async ({ dataDir, accountId }) => {
    const { url, pid, stop } = await startRustyMail(dataDir, {
      ...unlimited,
      RUSTYMAIL_INDEX: 'text',
      ...environment,
    })
    try {
      await untilIndexed(url, accountId, count)
      return await work({ url, pid, accountId, dataDir })
    } finally {
      await stop()
    }
  })
}

interface IndexedData {
  dataDir: string
  accountId: string
  gateway: MailGateway | undefined
}

async function withIndexedData(
  count: number,
  isApart: boolean,
  work: (data: IndexedData) => Promise<object>,
): Promise<object> {
  const dataDir = mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
  const { gateway, imap, stop } = isApart ? await dovecotOf(count) : memoryOf(count)
  try {
    const empty = await start(dataDir, gateway, 'off')
    const made = await call(empty.app.address, 'POST', api.accounts.createAccount.path, {
      email: 'ann@example.org',
      imap,
    })
    const { id } = made as { id: string }
    await empty.app.stop()
    await fill(dataDir, id, count)
    return await work({ dataDir, accountId: id, gateway })
  } finally {
    await stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function call(url: string, method: string, path: string, body?: object): Promise<unknown> {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
  const answer = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

/** Serves as many messages as are indexed, with the same UIDs; their content is never fetched. */
async function dovecotOf(count: number): Promise<MailServer> {
  const fill = (directory: string) => {
    const maildir = join(directory, user, 'Maildir')
    fillMaildir(maildir, count)
    writeFileSync(join(maildir, 'dovecot-uidlist'), `3 V1 N1 G${'0'.repeat(31)}1\n`)
  }
  const dovecot = await startDovecot({ fill })
  const imap = { host: dovecot.host, port: dovecot.imapPort, tls: 'none', user, password: 'pw-alice' } as const
  return { gateway: undefined, imap, stop: () => dovecot.stop() }
}

/** Serves as many messages as are indexed, without content. */
function memoryOf(count: number): MailServer {
  const gateway = new MemoryGateway()
  const inbox = gateway.getFolder('INBOX')
  inbox.uidValidity = 1
  const said = [...corpus(count)]
  for (let uid = 1; uid <= count; uid++) {
    const { subject, flags } = recordOf(said, uid)
    gateway.deliver({
      subject,
      flags: flags.includes('\\Seen') ? ['seen'] : flags.includes('\\Flagged') ? ['flagged'] : [],
    })
  }
  const imap = { host: '127.0.0.1', port: 143, tls: 'none', user: 'ann', password: 'secret' } as const
  return { gateway, imap, stop: async () => undefined }
}

async function start(
  dataDir: string,
  gateway: MailGateway | undefined,
  level: 'off' | 'text',
  more: Record<string, string> = {},
) {
  const environment = {
    RUSTYMAIL_PORT: '0',
    RUSTYMAIL_DATA_DIR: dataDir,
    RUSTYMAIL_API_KEY: apiKey,
    RUSTYMAIL_INDEX: level,
    // The benchmarks' mail servers are on this machine.
    RUSTYMAIL_PRIVATE_NETWORKS: '127.0.0.0/8',
    ...more,
  }
  const config = loadConfig([], { ...unlimited, ...environment })
  const app = createApp(config, { logger: createLogger('warn'), ...(gateway && { gateway }) })
  await app.start()
  return { app, link: (await app.createSetupLink()) ?? app.address }
}

/** Fills the index as a completed sync leaves it, so that nothing is read again. */
async function fill(dataDir: string, accountId: string, count: number): Promise<void> {
  const damaged = () => {
    throw new Error('the index was damaged')
  }
  const threads = new IndexThreads({ home: { dir: join(dataDir, 'index') }, damaged })
  try {
    const index = threads.of(accountId)
    await index.applyFolders([{ path: 'INBOX', role: 'inbox', isSelectable: true, mailboxId: null }], 1)
    const all = [...corpus(count)]
    await fillIndex(index, all, 'headers')
    await fillIndex(index, all, 'texts')
    const position = { uidNext: count + 1, highestModseq: String(count + 1), serverTotal: count }
    await index.applyBatch({ path: 'INBOX', uidValidity: 1, announces: false, position }, 1)
  } finally {
    await threads.close()
  }
}

async function untilIndexed(url: string, accountId: string, count: number): Promise<void> {
  for (;;) {
    const path = api.mailIndex.getIndex.path.replace('{account_id}', accountId)
    const { state, messages } = (await call(url, 'GET', path)) as { state: string; messages: number }
    if (state === 'complete' && messages === count) return
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}
