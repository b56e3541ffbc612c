/**
 * The index beside a mailbox that another program changes, while connections break and the server is killed: at the end
 * both are equal.
 */
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { startDovecot } from '../support/dovecot.ts'
import { indexContent } from '../support/index-content.ts'
import { MailboxChaos, randomFrom } from '../support/mailbox-chaos.ts'
import { RawImap } from '../support/raw-imap.ts'
import { available } from '../support/require.ts'
import { type RunOptions, type Served, startHere, startRustyMail } from '../support/rustymail.ts'
import { startRelay } from '../support/tcp-relay.ts'

const environment = { RUSTYMAIL_INDEX: 'text' }

/** Hides extensions in the server's capabilities, so that RustyMail has to do without. */
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

/** Applies all changes since a state to the ids. */
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
  /** How its server differs from the others. */
  name: string
  port: number
  user: string
  password: string
  /** Prefix of all folders but INBOX. */
  prefix: string
  /** Extensions that are hidden from RustyMail. */
  hidden: string
  seed: number
}

/** Opens a mailbox, its changes and a follower of these. */
async function openMailbox({ name, port, user, password, prefix, hidden, seed }: ServedMailbox) {
  const relay = await startRelay(port, { toClient: hides(hidden) })
  onTestFinished(() => relay.stop())
  const imap = await RawImap.login(port, user, password)
  onTestFinished(() => imap.close())
  const random = randomFrom(seed)
  const chaos = new MailboxChaos(imap, random, prefix)
  for (let count = 0; count < 250; count++) await chaos.deliver('INBOX')
  const server = { host: '127.0.0.1', port: relay.port, tls: 'none', user, password }
  const work = async () => {
    for (let step = 0; step < 15; step++) {
      await chaos.step()
      if (random(8) < 1) relay.cutClients()
    }
  }
  return { name, prefix, chaos, server, work, id: '', ids: new Set<string>(), state: '' }
}

/** Runs the mailboxes of one server, which share its starts and stops. */
async function endAsTheMailboxes(servers: readonly ServedMailbox[]): Promise<void> {
  const boxes = await Promise.all(servers.map(openMailbox))
  let run = await startKilled({ environment })
  const { dataDir } = run
  for (const [n, box] of boxes.entries()) {
    const body = { email: `box-${n}@test.local`, imap: box.server }
    box.id = (await run.call(api.accounts.createAccount, { body })).id
  }
  for (const box of boxes) {
    await untilComplete(run, box.id)
    box.ids = await idsOf(run, box.id)
    expect([box.name, box.ids.size]).toEqual([box.name, 250])
    box.state = (await run.call(api.mailIndex.listChanges, { params: { account_id: box.id } })).state
  }

  for (let round = 0; round < 4; round++) {
    await Promise.all(boxes.map(box => box.work()))
    await run.stop()
    for (const { chaos } of boxes) await chaos.step()
    run = round === 1 ? await startKilled({ environment, dataDir }) : await startHere({ environment, dataDir })
  }
  // After the first poll of all folders, which follows the start.
  for (const box of boxes) {
    await untilComplete(run, box.id)
    box.state = await follow(run, box.id, box.ids, box.state)
  }
  // A message that lost its folder is gone once all folders were read again.
  const last = await startAgain(run)
  for (const { name, id, ids, state } of boxes) {
    await untilComplete(last, id)
    await follow(last, id, ids, state)
    expect([name, ids]).toEqual([name, await idsOf(last, id)])
  }
  await last.stop()
  for (const { name, id, chaos, prefix } of boxes) {
    const found = await indexContent(dataDir, id)
    for (const folder of chaos.folders)
      expect([name, folder, found.get(folder)]).toEqual([name, folder, await chaos.content(folder)])
    expect([name, [...found.keys()].filter(path => path.startsWith(`${prefix}Box`)).toSorted()]).toEqual([
      name,
      chaos.folders.filter(path => path.startsWith(`${prefix}Box`)).toSorted(),
    ])
  }
}

async function startAgain(run: Served): Promise<Served> {
  await run.stop()
  return startHere({ environment, dataDir: run.dataDir })
}

/** In a process of its own, which is killed instead of stopped. */
async function startKilled(options: RunOptions): Promise<Served> {
  const run = await startRustyMail(options)
  return { ...run, stop: () => run.stop('SIGKILL') }
}

const promise = 'the index ends as the mailbox does, and the list of changes leads there'

test.skipIf(!available('dovecot'))(`on Dovecot, ${promise}`, async () => {
  const [plain, below] = await Promise.all([startDovecot(), startDovecot({ personalPrefix: 'INBOX.', separator: '.' })])
  onTestFinished(async () => void (await Promise.all([plain.stop(), below.stop()])))
  const [alice, bob, carol] = plain.users
  const without = 'MOVE|UIDPLUS|CONDSTORE|QRESYNC|ENABLE|ESEARCH|ESORT|LIST-STATUS'
  const here = { port: plain.imapPort, prefix: '' }
  await endAsTheMailboxes([
    { ...here, ...alice!, name: 'with QRESYNC', hidden: 'nothing', seed: 1 },
    { ...here, ...bob!, name: 'with CONDSTORE alone', hidden: 'QRESYNC', seed: 2 },
    { ...here, ...carol!, name: 'without extensions', hidden: without, seed: 3 },
    {
      ...{ name: 'with folders below INBOX, as INBOX.Archive', port: below.imapPort, prefix: 'INBOX.' },
      ...{ ...below.users[0]!, hidden: 'nothing', seed: 4 },
    },
  ])
})

/** A server on this machine, as `143 user password INBOX.`: an empty mailbox with the folders Archive and Sent. */
const [port, user = '', password = '', prefix = ''] = (process.env.RUSTYMAIL_TEST_IMAP ?? '').split(' ')
if (port) {
  test(`on the server of RUSTYMAIL_TEST_IMAP, ${promise}`, async () => {
    const name = 'the server of RUSTYMAIL_TEST_IMAP'
    await endAsTheMailboxes([{ name, port: Number(port), user, password, prefix, hidden: 'nothing', seed: 5 }])
  })
}
