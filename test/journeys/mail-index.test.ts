/** The index beside a mailbox that another program works on, while connections break and the server is killed: at the end both are equal. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { startDovecot } from '../support/dovecot.ts'
import { indexContent } from '../support/index-content.ts'
import { MailboxChaos, randomFrom } from '../support/mailbox-chaos.ts'
import { RawImap } from '../support/raw-imap.ts'
import { available } from '../support/require.ts'
import { type RunOptions, type Served, startHere, startRustyMail } from '../support/rustymail.ts'
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

interface ServedMailbox {
  port: number
  user: string
  password: string
  /** Before the paths of all folders but INBOX. */
  prefix: string
  /** Extensions that RustyMail is not told of. */
  hidden: string
  seed: number
}

async function endsAsTheMailbox({ port, user, password, prefix, hidden, seed }: ServedMailbox): Promise<void> {
  const relay = await startRelay(port, { toClient: hides(hidden) })
  onTestFinished(() => relay.stop())
  const imap = await RawImap.login(port, user, password)
  onTestFinished(() => imap.close())
  const random = randomFrom(seed)
  const chaos = new MailboxChaos(imap, random, prefix)
  for (let count = 0; count < 250; count++) await chaos.deliver('INBOX')
  const server = { host: '127.0.0.1', port: relay.port, tls: 'none', user, password }
  let run = await startKilled({ environment })
  const { dataDir } = run
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
    await run.stop()
    await chaos.step()
    run = round === 1 ? await startKilled({ environment, dataDir }) : await startHere({ environment, dataDir })
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
  const found = await indexContent(dataDir, id)
  for (const folder of chaos.folders) expect([folder, found.get(folder)]).toEqual([folder, await chaos.content(folder)])
  expect([...found.keys()].filter(path => path.startsWith(`${prefix}Box`)).toSorted()).toEqual(
    chaos.folders.filter(path => path.startsWith(`${prefix}Box`)).toSorted(),
  )
}

async function startAgain(run: Served): Promise<Served> {
  await run.stop()
  return startHere({ environment, dataDir: run.dataDir })
}

/** In a process of its own, which is killed where another one is stopped. */
async function startKilled(options: RunOptions): Promise<Served> {
  const run = await startRustyMail(options)
  return { ...run, stop: () => run.stop('SIGKILL') }
}

const promise = 'the index ends as the mailbox does, and the list of changes leads there'

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  for (const [name, hidden, seed, prefix] of [
    ['with QRESYNC', 'nothing', 1, ''],
    ['with CONDSTORE alone', 'QRESYNC', 2, ''],
    ['without extensions', 'MOVE|UIDPLUS|CONDSTORE|QRESYNC|ENABLE|ESEARCH|ESORT|LIST-STATUS', 3, ''],
    ['with folders below INBOX, as INBOX.Archive', 'nothing', 4, 'INBOX.'],
  ] as const) {
    test(`${name}, ${promise}`, async () => {
      const dovecot = await startDovecot(prefix === '' ? {} : { personalPrefix: prefix, separator: '.' })
      onTestFinished(() => dovecot.stop())
      const [{ user, password } = { user: '', password: '' }] = dovecot.users
      await endsAsTheMailbox({ port: dovecot.imapPort, user, password, prefix, hidden, seed })
    })
  }
})

/** Another server on this machine, as `143 user password INBOX.`: an empty mailbox with the folders Archive and Sent. */
const [port, user = '', password = '', prefix = ''] = (process.env.RUSTYMAIL_TEST_IMAP ?? '').split(' ')
if (port) {
  test(`on the server of RUSTYMAIL_TEST_IMAP, ${promise}`, async () => {
    await endsAsTheMailbox({ port: Number(port), user, password, prefix, hidden: 'nothing', seed: 5 })
  })
}
