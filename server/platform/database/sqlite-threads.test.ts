/** A second reader is started where the first is late, and not where it is only starting or where the loop was late itself. */
import { setImmediate as turn } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { expect, onTestFinished, test, vi } from 'vitest'
import { demandDatabaseThreads } from '../../../test/support/hosted-threads.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { SqliteThreads } from './sqlite-threads.ts'
import { SqliteWorker } from './sqlite-worker.ts'

demandDatabaseThreads()

function place(): string {
  const dir = tempDir('sqlite-threads')
  onTestFinished(() => dir.remove())
  return `${dir.path}/mail.db`
}

test('a thread that is starting is at no statement yet, however many wait for it', async () => {
  const options = { isReader: false, died: () => undefined, idle: () => undefined }
  const worker = new SqliteWorker({ path: place(), ...options })
  onTestFinished(() => worker.close(5_000))
  const answered = worker.run(['run', 'select 1', []])
  let isOpen = false
  void worker.opened.then(() => {
    isOpen = true
  })
  let [turns, most] = [0, 0]
  for (; !isOpen; turns++) {
    most = Math.max(most, worker.stuckMs)
    await turn()
  }
  expect(turns).toBeGreaterThan(1)
  expect(most).toBe(0)
  expect(await answered).toMatchObject({ rows: [[1]] })
})

test('a read that finds its reader late first hears what was answered while the loop was busy', async () => {
  const workers: Worker[] = []
  const collect = (worker: Worker) => void workers.push(worker)
  process.on('worker', collect)
  onTestFinished(() => void process.off('worker', collect))
  // Late immediately.
  const bounds = { stuckMs: Number.MIN_VALUE }
  const threads = new SqliteThreads({ path: place(), died: () => undefined, bounds })
  await threads.open()
  onTestFinished(() => threads.close())
  await threads.begin()
  // During a write some reads wait until it ends; the others get a reader.
  const reads = Array.from({ length: 41 }, () => threads.read('select 1', []))
  await reads.at(-1)
  expect(workers).toHaveLength(2)
  const first = threads.read('select 2', [])
  for (const now = performance.now(); performance.now() === now; );
  const second = threads.read('select 3', [])
  // Node reports in the next tick that a thread was started.
  await new Promise(process.nextTick)
  expect(workers).toHaveLength(2)
  expect(await Promise.all([first, second])).toMatchObject([{ rows: [[2]] }, { rows: [[3]] }])
  await threads.end('commit')
  await Promise.all(reads)
})

test('a reader ends although reads go on, where the writer is free to answer them', async () => {
  const started: Worker[] = []
  const collect = (worker: Worker) => void started.push(worker)
  process.on('worker', collect)
  onTestFinished(() => void process.off('worker', collect))
  const threads = new SqliteThreads({ path: place(), died: () => undefined, bounds: { idleMs: 200 } })
  await threads.open()
  onTestFinished(() => threads.close())
  await threads.begin()
  const reads = Array.from({ length: 41 }, () => threads.read('select 1', []))
  await reads.at(-1)
  await threads.end('commit')
  await Promise.all(reads)
  let hasEnded = false
  started[1]!.once('exit', () => {
    hasEnded = true
  })
  // Each read would keep the thread, and so would the polls of an idle server.
  while (!hasEnded) await threads.read('select 1', [])
  expect(await threads.read('select 2', [])).toMatchObject({ rows: [[2]] })
  expect(started).toHaveLength(2)
})

test('the writer closes last, also behind a reader that is ending by itself', async () => {
  const threads = new SqliteThreads({ path: place(), died: () => undefined, bounds: { idleMs: 60_000 } })
  await threads.open()
  await threads.begin()
  await Promise.all(Array.from({ length: 41 }, () => threads.read('select 1', [])))
  await threads.end('commit')
  const { close } = SqliteWorker.prototype
  const isHeld = Promise.withResolvers<void>()
  const closing = vi.spyOn(SqliteWorker.prototype, 'close').mockImplementation(async function (
    this: SqliteWorker,
    boundMs,
  ) {
    await isHeld.promise
    await close.call(this, boundMs)
  })
  const now = performance.now.bind(performance)
  const later = vi.spyOn(performance, 'now').mockImplementation(() => now() + 60_000)
  onTestFinished(() => {
    closing.mockRestore()
    later.mockRestore()
  })
  // The writer is free for it, and the reader was not needed for a minute.
  await threads.read('select 1', [])
  expect(closing).toHaveBeenCalledTimes(1)
  const closed = threads.close()
  await turn()
  expect(closing).toHaveBeenCalledTimes(1)
  isHeld.resolve()
  await closed
  expect(closing).toHaveBeenCalledTimes(2)
})

test('a commit is answered with what no caller waits for, and behind what one does', async () => {
  const started = new Promise<Worker>(resolve => process.once('worker', resolve))
  const options = { isReader: false, died: () => undefined, idle: () => undefined }
  const worker = new SqliteWorker({ path: place(), ...options })
  onTestFinished(() => worker.close(5_000))
  await worker.opened
  await worker.run(['run', 'create table t (a integer)', []])
  const messages: number[] = []
  const thread = await started
  thread.on('message', (answers: unknown[]) => void messages.push(answers.length))
  const insert = 'insert into t values (1)'
  const change = async (how: 'later' | 'inside') => {
    void worker.run(['begin'])
    void worker.run(how === 'later' ? [how, insert, [], 1] : [how, insert, []])
    await worker.run(['commit'])
  }
  // A new statement may be slow, so earlier ones do not wait for it.
  for (const how of ['later', 'inside', 'later'] as const) await change(how)
  expect(messages.splice(0).at(-1)).toBe(3)
  await change('inside')
  expect(messages).toEqual([2, 1])
})
