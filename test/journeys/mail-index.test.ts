/** The index beside a mailbox that another program works on, while connections break and the server is killed: at the end both are equal. */
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { IndexThreads } from '../../server/index/index-threads.ts'
import { startDovecot } from '../support/dovecot.ts'
import { type FolderContent, MailboxChaos, randomFrom } from '../support/mailbox-chaos.ts'
import { available } from '../support/require.ts'
import { type Served, startHere, startRustyMail } from '../support/rustymail.ts'
import { startRelay } from '../support/tcp-relay.ts'

const environment = { RUSTYMAIL_INDEX: 'text' }

/** What an extension is called where the server tells of it; without them RustyMail has to do without. */
const hides = (words: string) => (data: string) =>
  data.includes('CAPABILITY ') ? data.replaceAll(new RegExp(` (${words})(?=[ \\]\r])`, 'g'), '') : data

async function untilComplete(run: Served, account_id: string): Promise<void> {
  const params = { account_id }
  await expect
    .poll(async () => (await run.call(api.mailIndex.getIndex, { params })).state, { interval: 50 })
    .toBe('complete')
}

async function idsOf(run: Served, account_id: string): Promise<Set<string>> {
  const ids = new Set<string>()
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const query = { limit: '100', ...(cursor !== undefined && { cursor }) }
    const page = await run.call(api.mailIndex.listThreads, { params: { account_id }, query })
    for (const { id: thread_id } of page.items) {
      const { messages } = await run.call(api.mailIndex.getThread, { params: { account_id, thread_id } })
      for (const { id } of messages) ids.add(id)
    }
    cursor = page.next_cursor
  }
  return ids
}

/** Ids as they are after all changes since a state. */
async function follow(run: Served, account_id: string, ids: Set<string>, since: string): Promise<string> {
  for (let state = since; ; ) {
    const changes = await run.call(api.mailIndex.listChanges, {
      params: { account_id },
      query: { since: state, limit: '7' },
    })
    for (const id of changes.created) ids.add(id)
    for (const id of changes.destroyed) ids.delete(id)
    state = changes.state
    if (!changes.has_more) return state
  }
}

/** As the index has it, with the server stopped. */
async function indexed(dataDir: string, accountId: string): Promise<Map<string, FolderContent>> {
  const threads = new IndexThreads({ home: { dir: join(dataDir, 'index') }, damaged: () => undefined })
  try {
    const index = threads.of(accountId)
    const folders = new Map<string, FolderContent>()
    for (const { path } of await index.listFolders()) {
      const { messages } = await index.listMessages({ path, limit: 1_000 })
      const places = messages.flatMap(message => message.places.filter(place => place.path === path))
      folders.set(path, new Map(places.map(({ uid, flags }) => [uid, flags.toSorted()])))
    }
    return folders
  } finally {
    await threads.close()
  }
}

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  for (const [name, hidden, seed] of [
    ['with QRESYNC', 'nothing', 1],
    ['with CONDSTORE alone', 'QRESYNC', 2],
    ['without extensions', 'MOVE|UIDPLUS|CONDSTORE|QRESYNC|ENABLE|ESEARCH|ESORT|LIST-STATUS', 3],
  ] as const) {
    test(`${name}, the index ends as the mailbox does, and the list of changes leads there`, async () => {
      const dovecot = await startDovecot()
      onTestFinished(() => dovecot.stop())
      const relay = await startRelay(dovecot.imapPort, { toClient: hides(hidden) })
      onTestFinished(() => relay.stop())
      const imap = await dovecot.login('alice@test.local')
      onTestFinished(() => imap.close())
      const random = randomFrom(seed)
      const chaos = new MailboxChaos(imap, random)
      for (let count = 0; count < 250; count++) await chaos.deliver('INBOX')
      const server = {
        host: '127.0.0.1',
        port: relay.port,
        tls: 'none',
        user: 'alice@test.local',
        password: 'pw-alice',
      }
      // Killed before it has stopped; the others end in order, for which they need no process of their own.
      let killed = await startRustyMail({ environment })
      const { dataDir } = killed
      let run: Served = killed
      const { id } = await run.call(api.accounts.createAccount, { body: { email: 'alice@test.local', imap: server } })
      await untilComplete(run, id)
      const ids = await idsOf(run, id)
      expect(ids.size).toBe(250)
      let { state } = await run.call(api.mailIndex.listChanges, { params: { account_id: id } })

      for (let round = 0; round < 4; round++) {
        for (let step = 0; step < 15; step++) {
          await chaos.step()
          if (random(8) < 1) relay.cutClients()
        }
        const isKilled = round % 2 === 0
        await (isKilled ? killed.stop('SIGKILL') : run.stop())
        await chaos.step()
        if (isKilled) run = await startHere({ environment, dataDir })
        else run = killed = await startRustyMail({ environment, dataDir })
      }
      // The first look at all folders is behind the start.
      await untilComplete(run, id)
      state = await follow(run, id, ids, state)
      // A message that lost its folder is gone once all folders were read again.
      const last = await startAgain(run)
      await untilComplete(last, id)
      await follow(last, id, ids, state)
      expect(ids).toEqual(await idsOf(last, id))
      await last.stop()
      const found = await indexed(dataDir, id)
      for (const folder of chaos.folders)
        expect([folder, found.get(folder)]).toEqual([folder, await chaos.content(folder)])
      expect([...found.keys()].filter(path => path.startsWith('Box')).toSorted()).toEqual(
        chaos.folders.filter(path => path.startsWith('Box')).toSorted(),
      )
    })
  }

  async function startAgain(run: Served): Promise<Served> {
    await run.stop()
    return startHere({ environment, dataDir: run.dataDir })
  }
})
