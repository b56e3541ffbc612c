/** A server in this process with an account of many messages, whose index was filled directly and whose mail server has nothing new. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { api } from '../contract/index.ts'
import { createApp } from '../server/app.ts'
import { loadConfig } from '../server/config.ts'
import { MemoryGateway } from '../server/imap/adapters/memory-gateway.ts'
import { IndexThreads } from '../server/index/index-threads.ts'
import { createLogger } from '../server/platform/logger.ts'
import { corpus } from './index-corpus.ts'
import { fillIndex, recordOf } from './index-fill.ts'
import { apiKey, unlimited } from './measure.ts'

const imap = { host: '127.0.0.1', port: 143, tls: 'none', user: 'ann', password: 'secret' }

interface IndexedApp {
  /** The set-up link. */
  link: string
  accountId: string
  dataDir: string
}

export async function withIndexedApp(
  count: number,
  work: (app: IndexedApp) => Promise<object>,
  environment: Record<string, string> = {},
): Promise<object> {
  const dataDir = mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
  const gateway = gatewayOf(count)
  try {
    const empty = await start(dataDir, gateway, 'off')
    const made = await empty.call('POST', api.accounts.createAccount.path, { email: 'ann@example.org', imap })
    const { id } = made as { id: string }
    await empty.app.stop()
    await fill(dataDir, id, count)
    const run = await start(dataDir, gateway, 'text', environment)
    try {
      await untilComplete(() => run.call('GET', api.mailIndex.getIndex.path.replace('{account_id}', id)), count)
      return await work({ link: run.link, accountId: id, dataDir })
    } finally {
      await run.app.stop()
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** As many messages as are indexed, and nothing to read of them. */
function gatewayOf(count: number): MemoryGateway {
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
  return gateway
}

async function start(
  dataDir: string,
  gateway: MemoryGateway,
  level: 'off' | 'text',
  more: Record<string, string> = {},
) {
  const environment = {
    RUSTYMAIL_PORT: '0',
    RUSTYMAIL_DATA_DIR: dataDir,
    RUSTYMAIL_API_KEY: apiKey,
    RUSTYMAIL_INDEX: level,
    ...more,
  }
  const config = loadConfig([], { ...unlimited, ...environment })
  const app = createApp(config, { logger: createLogger('warn'), gateway })
  await app.start()
  const call = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
    const answer = await fetch(app.address + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return answer.json()
  }
  return { app, call, link: (await app.createSetupLink()) ?? app.address }
}

/** As a sync that is over leaves it, so that nothing is read again. */
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

async function untilComplete(status: () => Promise<unknown>, count: number): Promise<void> {
  for (;;) {
    const { state, messages } = (await status()) as { state: string; messages: number }
    if (state === 'complete' && messages === count) return
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}
