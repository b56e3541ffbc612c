/** The index on its threads: what is asked of it, and what happens when a thread dies, a file is damaged, or too much is asked. */
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { expect, inject, onTestFinished, test } from 'vitest'
import { createPostgresDatabase } from '../../test/support/databases.ts'
import { folder, onEachIndex, recordOf, textOf } from '../../test/support/index-world.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { databaseFaultKind } from '../platform/database/database-fault.ts'
import type { IndexHome } from './index-databases.ts'
import { IndexThreads, type IndexThreadsOptions } from './index-threads.ts'
import type { FolderBatch } from './index-types.ts'

const thread = join(import.meta.dirname, '../../test/support/index-thread.ts')

function started(options: Partial<IndexThreadsOptions> = {}) {
  const dir = tempDir('index')
  const damaged: string[] = []
  const home: IndexHome = { dir: join(dir.path, 'index') }
  const index = new IndexThreads({ home, thread, damaged: accountId => void damaged.push(accountId), ...options })
  onTestFinished(async () => {
    await index.close()
    dir.remove()
  })
  const account = index.of('one')
  const apply = (batch: Partial<FolderBatch>) =>
    account.applyBatch({ path: 'INBOX', uidValidity: 7, announces: false, ...batch }, 1)
  const begin = () => account.applyFolders([folder('INBOX')], 1)
  const file = join(dir.path, 'index', 'one.db')
  return { index, account, apply, begin, damaged, file, dir: join(dir.path, 'index') }
}

onEachIndex(world => {
  test('what was written is listed, also after the threads ended and started again', async () => {
    const options = { home: world.home(), thread, damaged: () => undefined }
    const first = new IndexThreads(options)
    const account = first.of('threaded')
    await account.applyFolders([folder('INBOX')], 1)
    const added = Array.from({ length: 20 }, (_, index) => recordOf(index + 1))
    const applied = await account.applyBatch({ path: 'INBOX', uidValidity: 7, announces: false, added }, 1)
    expect(applied.added).toHaveLength(20)
    expect(await account.listMessages({ path: 'INBOX', limit: 50 })).toMatchObject({ messages: { length: 20 } })
    expect(await account.figures()).toMatchObject({ messages: 20 })
    await first.close()
    await expect(account.listFolders()).rejects.toMatchObject({ code: 'closed' })

    const second = new IndexThreads(options)
    onTestFinished(() => second.close())
    expect(await second.of('threaded').listFolders()).toMatchObject([{ path: 'INBOX', total: 20 }])
    await expect(second.of('threaded').listMessages({ path: 'None', limit: 1 })).rejects.toMatchObject({
      code: 'folder_not_found',
    })
    await second.drop('threaded')
    expect(await second.of('threaded').listFolders()).toEqual([])
  })
})

const postgresUrl = inject('postgresUrl')
test.skipIf(postgresUrl === undefined)(
  'a connection to PostgreSQL that is cut while a thread asks is known as that, and the next question is answered',
  async () => {
    const made = await createPostgresDatabase(postgresUrl!)
    onTestFinished(() => made.drop())
    // A transaction sees other connections as they were when it began, so the one that cuts has none.
    const [holder, admin] = [0, 1].map(() => new pg.Client({ connectionString: made.url })) as [pg.Client, pg.Client]
    for (const client of [holder, admin]) {
      await client.connect()
      onTestFinished(() => client.end())
    }
    const index = new IndexThreads({ home: { postgresUrl: made.url }, thread, damaged: () => undefined })
    onTestFinished(() => index.close())
    const account = index.of('cut')
    await account.applyFolders([folder('INBOX')], 1)
    await holder.query('begin; lock table mail_index.folders in access exclusive mode')
    const asked = account.listFolders().then(
      () => 'answered',
      (error: unknown) => databaseFaultKind(error),
    )
    const cut = `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and pid <> pg_backend_pid()`
    await expect.poll(async () => (await admin.query(cut)).rowCount).toBe(1)
    expect(await asked).toBe('silent')
    await holder.query('rollback')
    expect(await account.listFolders()).toMatchObject([{ path: 'INBOX' }])
  },
)

test('the program of the server does the same', async () => {
  const dir = tempDir('index')
  const index = new IndexThreads({
    home: { dir: join(dir.path, 'index') },
    damaged: () => undefined,
    bounds: { idleMs: 2_000 },
  })
  onTestFinished(async () => {
    await index.close()
    dir.remove()
  })
  const one = index.of('one')
  await one.applyFolders([folder('INBOX')], 1)
  const html = {
    uid: 1,
    parts: [{ type: 'text/html', charset: 'utf-8', encoding: '8bit', bytes: Buffer.from('<p>Hello <b>you') }],
  }
  await one.applyBatch({ path: 'INBOX', uidValidity: 7, announces: false, added: [recordOf(1)], texts: [html] }, 1)
  expect(await one.listMessages({ path: 'INBOX', limit: 1 })).toMatchObject({ messages: [{ preview: 'Hello you' }] })
})

test('bytes of texts go there in one piece, and the caller keeps its own', async () => {
  const { account, apply, begin } = started()
  await begin()
  const whole = new TextEncoder().encode('whole')
  const large = new TextEncoder().encode('part of a larger one')
  const piece = large.subarray(0, 4)
  const pooled = textOf(3, 'pooled')
  const text = (uid: number, bytes: Uint8Array) => ({
    uid,
    parts: [{ type: 'text/plain', charset: null, encoding: '8bit', bytes }],
  })
  await apply({
    added: [1, 2, 3, 4].map(uid => recordOf(uid)),
    texts: [text(1, whole), text(2, piece), pooled, text(4, whole)],
  })
  expect(whole).toHaveLength(5)
  expect(large).toHaveLength(20)
  expect(pooled.parts[0]!.bytes).toHaveLength(6)
  const { messages } = await account.listMessages({ path: 'INBOX', limit: 4 })
  expect(messages.map(({ preview }) => preview)).toEqual(['whole', 'pooled', 'part', 'whole'])
})

test('memory that a batch hands over goes there as it is, with the texts in it', async () => {
  const { account, apply, begin } = started()
  await begin()
  const memory = [new ArrayBuffer(64), new ArrayBuffer(16)]
  const within = (uid: number, piece: ArrayBuffer, at: number, text: string) => {
    const bytes = Buffer.from(piece, at, text.length)
    bytes.write(text)
    return { uid, parts: [{ type: 'text/plain', charset: null, encoding: '8bit', bytes }] }
  }
  const texts = [
    within(1, memory[0]!, 0, 'first'),
    within(2, memory[0]!, 5, 'second'),
    within(3, memory[1]!, 0, 'third'),
  ]
  await apply({ added: [1, 2, 3].map(uid => recordOf(uid)), texts, memory })
  expect(memory.map(({ byteLength }) => byteLength)).toEqual([0, 0])
  const { messages } = await account.listMessages({ path: 'INBOX', limit: 3 })
  expect(messages.map(({ preview }) => preview)).toEqual(['third', 'second', 'first'])
  // Buffers that contain other data stay with their owner.
  const elsewhere = new ArrayBuffer(16)
  const kept = textOf(4, 'fourth')
  await apply({ added: [recordOf(4)], texts: [kept], memory: [elsewhere] })
  expect(kept.parts[0]!.bytes).toHaveLength(6)
  expect(elsewhere.byteLength).toBe(16)
})

test('threads start when they are needed and end when nothing is asked', async () => {
  const { index, account, begin } = started({ bounds: { idleMs: 1 } })
  expect(index.running).toBe(0)
  await begin()
  expect(await account.listFolders()).toHaveLength(1)
  while (index.running > 0) await new Promise(resolve => setImmediate(resolve))
  expect(await account.listFolders()).toHaveLength(1)
})

test.runIf(process.platform === 'linux')(
  'lists come before searches, and searches before what is indexed',
  async () => {
    const before = new Set(readdirSync('/proc/self/task'))
    // A priority per thread: field 19 of its stat line (proc_pid_stat(5)), whose second field may have spaces.
    const priorities = () => {
      const started = readdirSync('/proc/self/task').filter(id => !before.has(id))
      const lines = started.map(id => readFileSync(`/proc/self/task/${id}/stat`, 'utf8'))
      return lines.map(line => Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[16]))
    }
    const [low, background] = [5, 10].map(nice => Math.max(getPriority(), nice))
    const { account, begin } = started()
    await begin()
    await account.listFolders()
    expect(priorities()).toContain(background)
    expect(priorities()).not.toContain(low)
    await account.listContacts({ query: '', limit: 1 })
    expect(priorities()).toContain(low)
  },
)

test('threads that were started ahead answer, and end when nothing is asked', async () => {
  const { index, account, begin } = started({ bounds: { idleMs: 1 } })
  index.warm()
  expect(index.running).toBe(2)
  while (index.running > 0) await new Promise(resolve => setImmediate(resolve))
  index.warm()
  await begin()
  expect(await account.listFolders()).toHaveLength(1)
})

test('a thread that dies fails its calls, loses what was not committed, and is started again', async () => {
  const { account, apply, begin, damaged } = started()
  await begin()
  await apply({ added: [recordOf(1)] })
  const dies = apply({ added: [recordOf(2), recordOf(3, { subject: 'ends the thread' })] })
  const behind = apply({ added: [recordOf(4)] })
  await expect(dies).rejects.toMatchObject({ code: 'thread_ended' })
  await expect(behind).rejects.toMatchObject({ code: 'thread_ended' })
  expect(await account.listFolders()).toMatchObject([{ total: 1 }])
  expect(await apply({ added: [recordOf(5)] })).toMatchObject({ added: [{ uid: 5, isNew: true }] })
  expect(damaged).toEqual([])
})

test.each(['is no database', 'lost its pages'])('a file that %s begins empty, and that is told once', async fault => {
  const { index, apply, begin, damaged, file } = started()
  await begin()
  await apply({ added: Array.from({ length: 300 }, (_, uid) => recordOf(uid + 1)) })
  await index.of('two').applyFolders([folder('INBOX')], 1)
  // The threads give up their files.
  await index.close()
  const again = new IndexThreads({ home: { dir: join(file, '..') }, thread, damaged: id => void damaged.push(id) })
  onTestFinished(() => again.close())
  const one = again.of('one')
  if (fault === 'is no database') writeFileSync(file, 'x'.repeat(40_000))
  else truncateSync(file, 4_096 * 3)
  const calls = await Promise.allSettled([
    one.listMessages({ path: 'INBOX', limit: 300 }),
    one.messagesById([]),
    one.figures(),
  ])
  expect(calls.some(call => call.status === 'rejected' && call.reason.code === 'damaged')).toBe(true)
  expect(damaged).toEqual(['one'])
  expect(await one.listFolders()).toEqual([])
  expect(await again.of('two').listFolders()).toHaveLength(1)
})

test('what is too much is refused and was not begun; what was begun is done before the end', async () => {
  const { index, account, begin } = started({ bounds: { maxWaitingPerAccount: 3, maxWaiting: 4 } })
  const first = [begin(), account.listFolders(), account.listFolders()]
  await expect(account.listFolders()).rejects.toMatchObject({ code: 'overloaded' })
  const other = index.of('two').listFolders()
  await expect(index.of('three').listFolders()).rejects.toMatchObject({ code: 'overloaded' })
  await index.close()
  expect(await Promise.all([...first, other])).toHaveLength(4)
})

test('texts that wait are bounded by their bytes', async () => {
  const { apply, begin } = started({ bounds: { maxWaitingBytes: 10 } })
  await begin()
  const first = apply({ texts: [textOf(1, 'more than ten bytes')] })
  await expect(apply({ texts: [textOf(1, 'x')] })).rejects.toMatchObject({ code: 'overloaded' })
  await first
  await apply({ texts: [textOf(1, 'x')] })
})

test('an account that is removed while it is read is gone, and others stay', async () => {
  const { index, account, begin, apply, dir } = started()
  await begin()
  await apply({ added: [recordOf(1)] })
  await index.of('two').applyFolders([folder('INBOX')], 1)
  const reads = Array.from({ length: 20 }, () => account.listMessages({ path: 'INBOX', limit: 10 }))
  const dropped = index.drop('one')
  const behind = account.listFolders()
  await dropped
  // Each before it or after it.
  for (const read of await Promise.allSettled(reads)) {
    if (read.status === 'fulfilled') expect(read.value.messages).toHaveLength(1)
    else expect(read.reason).toMatchObject({ code: 'folder_not_found' })
  }
  expect(await behind).toEqual([])
  await index.drop('one')
  expect(readdirSync(dir).filter(name => name.startsWith('one'))).toEqual([])
  expect(await index.of('two').listFolders()).toHaveLength(1)
})

test('calls that come after an account was removed for good write nothing of it', async () => {
  const { index, account, begin, apply, dir } = started()
  await begin()
  const late = Array.from({ length: 5 }, (_, uid) => apply({ added: [recordOf(uid + 1)] }))
  expect(index.isOpened('one')).toBe(true)
  index.retire('one')
  await Promise.all([index.drop('one'), Promise.allSettled(late)])
  await expect(apply({ added: [recordOf(9)] })).rejects.toMatchObject({ code: 'account_not_found' })
  await expect(account.listFolders()).rejects.toMatchObject({ code: 'account_not_found' })
  await expect(index.of('one').listFolders()).rejects.toMatchObject({ code: 'account_not_found' })
  expect(readdirSync(dir).filter(name => name.startsWith('one'))).toEqual([])
})

test('only some files are open at a time, and all are there', async () => {
  const { index } = started()
  const names = Array.from({ length: 40 }, (_, number) => `account${number}`)
  await Promise.all(names.map(name => index.of(name).applyFolders([folder(name)], 1)))
  const listed = await Promise.all(names.map(name => index.of(name).listFolders()))
  expect(listed.map(([first]) => first!.path)).toEqual(names)
})
