/** Threads for strangers' texts: started for work, ended when idle, and no job holds up those of others or takes the server with it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { tempDir } from '../../test/support/temp-dir.ts'
import { TextWorker, type TextWorkerOptions } from './text-worker.ts'

/** Executes commands in place of HTML. */
const obedient = `
import { parentPort, threadId } from 'node:worker_threads'
parentPort.on('message', ({ input: { source } }) => {
  if (source === 'never') return
  parentPort.postMessage('begun')
  if (source === 'loop') for (;;);
  if (source === 'memory') for (const kept = []; ; ) kept.push(new Array(100_000).fill(kept.length))
  if (source === 'exit') process.exit(3)
  if (source === 'throw') throw new Error('a bug')
  if (source === 'fail') return parentPort.postMessage({ failure: 'not this one' })
  parentPort.postMessage({ output: source + ' in ' + threadId })
})
`

function worker(options: TextWorkerOptions = {}, thread: string | undefined = obedient) {
  const dir = tempDir('thread')
  writeFileSync(join(dir.path, 'thread.mjs'), thread)
  const made = new TextWorker({ thread: join(dir.path, 'thread.mjs'), threads: 1, ...options })
  onTestFinished(async () => {
    await made.stop()
    dir.remove()
  })
  /** Returns what the thread answers, and in which thread it ran. */
  const tell = async (source: string, signal?: AbortSignal, key = 'ann') =>
    String(await made.run('cleanHtml', { source, remote: false }, { key, ...(signal && { signal }) }))
  return { made, tell }
}

const threadOf = (answer: string) => answer.split(' in ')[1]

test('the real thread cleans HTML, and says why it does not', async () => {
  const real = new TextWorker()
  onTestFinished(() => real.stop())
  expect(real.running).toBe(0)
  const clean = await real.run('cleanHtml', { source: '<p onclick=x>a<img src=cid:b>', remote: false }, { key: 'ann' })
  expect(clean).toEqual({ style: [], bodyAttributes: [], body: ['<p>a<img src="', { contentId: 'b' }, '"></p>'] })
  const hostile = real.run('cleanHtml', { source: '<div>'.repeat(100_000), remote: false }, { key: 'ann' })
  await expect(hostile).rejects.toMatchObject({
    fault: 'gave_up',
    message: expect.stringContaining('inside each other'),
  })
  expect(real.running).toBe(1)
})

test('the real thread says when a job begins, and has its time from then on', async () => {
  const real = new TextWorker({ timeoutMs: 1 })
  onTestFinished(() => real.stop())
  const parts = { text: 'a1@b.example '.repeat(20_000), html: '<p>x</p>'.repeat(60_000) }
  await expect(real.run('readParts', parts, { key: 'ann' })).rejects.toMatchObject({ message: 'not done in 1 ms' })
})

test('jobs are done one after the other, in order, by one thread', async () => {
  const { tell } = worker()
  const answers = await Promise.all(['a', 'b', 'c'].map(source => tell(source)))
  expect(answers.map(answer => answer[0])).toEqual(['a', 'b', 'c'])
  expect(new Set(answers.map(threadOf)).size).toBe(1)
  await expect(tell('fail')).rejects.toMatchObject({ fault: 'gave_up', message: 'not this one' })
  expect(threadOf(await tell('d'))).toBe(threadOf(answers[0]!))
})

test.each([
  ['loop', 'not done in 1000 ms'],
  ['memory', 'memory'],
  ['exit', 'the thread ended'],
  ['throw', 'a bug'],
])('a job that comes to "%s" is given up alone: the next one has a new thread', async (source, why) => {
  const { tell } = worker({ timeoutMs: source === 'loop' ? 1_000 : 60_000, maxMemoryMb: 32 })
  const first = await tell('a')
  const [bad, next] = await Promise.allSettled([tell(source), tell('b')])
  expect(bad).toMatchObject({ status: 'rejected', reason: { fault: 'gave_up', message: expect.stringContaining(why) } })
  if (next.status === 'rejected') throw next.reason
  expect(next.value[0]).toBe('b')
  expect(threadOf(next.value)).not.toBe(threadOf(first))
})

test('more than may wait are refused at once, of one key and of all', async () => {
  const { made, tell } = worker({ maxWaiting: 3, maxWaitingPerKey: 2, timeoutMs: 60_000 })
  const refused = { fault: 'busy' }
  const waiting = [tell('loop'), tell('a'), tell('b')]
  await expect(tell('c')).rejects.toMatchObject(refused)
  waiting.push(tell('d', undefined, 'bob'))
  await expect(tell('e', undefined, 'cid')).rejects.toMatchObject(refused)
  const settled = Promise.allSettled(waiting)
  await made.stop()
  expect(await settled).toMatchObject(Array(4).fill({ reason: { fault: 'stopped' } }))
  await expect(tell('f')).rejects.toMatchObject({ fault: 'stopped' })
  expect(made.running).toBe(0)
})

test('a caller who went away is not waited for: his job leaves the line at once and makes room', async () => {
  const { made, tell } = worker({ maxWaitingPerKey: 1, timeoutMs: 60_000 })
  const running = tell('loop')
  const leaving = new AbortController()
  const gone = tell('a', leaving.signal)
  await expect(tell('b')).rejects.toMatchObject({ fault: 'busy' })
  leaving.abort(new Error('gone'))
  await expect(gone).rejects.toThrow('gone')
  await expect(tell('c', leaving.signal)).rejects.toThrow('gone')
  const next = tell('d')
  const settled = Promise.allSettled([running, next])
  await made.stop()
  expect(await settled).toMatchObject(Array(2).fill({ reason: { fault: 'stopped' } }))
})

test('keys are served in turn: many messages of one caller hold up another one by a single message', async () => {
  const { tell } = worker()
  const done: string[] = []
  const ask = (source: string, key: string) => tell(source, undefined, key).then(() => done.push(source))
  const many = ['one', 'two', 'three'].map(source => ask(source, 'eve'))
  const others = ['a', 'b'].map(source => ask(source, 'ann'))
  await Promise.all([...many, ...others, ask('c', 'bob')])
  expect(done).toEqual(['one', 'a', 'two', 'c', 'b', 'three'])
})

test('a thread that does not come to the job is no fault of the text', async () => {
  const { tell } = worker({ startMs: 1_000 })
  await expect(tell('never')).rejects.toMatchObject({ fault: 'busy', message: 'not begun in 1000 ms' })
})

test('without work the thread ends, and work starts another', async () => {
  const { made, tell } = worker({ idleMs: 50 })
  const first = await tell('a')
  await expect.poll(() => made.running, { interval: 10 }).toBe(0)
  expect(threadOf(await tell('b'))).not.toBe(threadOf(first))
})

test('one caller never has all threads: the others have one that is free', async () => {
  const { made, tell } = worker({ threads: 3, timeoutMs: 60_000 })
  const hostile = ['loop', 'loop', 'loop', 'loop'].map(source => tell(source, undefined, 'eve'))
  expect((await tell('a', undefined, 'ann'))[0]).toBe('a')
  expect((await tell('b', undefined, 'bob'))[0]).toBe('b')
  expect(made.running).toBe(3)
  const settled = Promise.allSettled(hostile)
  await made.stop()
  expect(await settled).toMatchObject(Array(4).fill({ reason: { fault: 'stopped' } }))
})

test('threads work at the same time, and are started only when the others are at work', async () => {
  const { made, tell } = worker({ threads: 2, timeoutMs: 60_000 })
  const first = await tell('a')
  expect(threadOf(await tell('b', undefined, 'bob'))).toBe(threadOf(first))
  expect(made.running).toBe(1)
  const under = tell('loop')
  expect(threadOf(await tell('c', undefined, 'bob'))).not.toBe(threadOf(first))
  expect(made.running).toBe(2)
  const settled = Promise.allSettled([under])
  await made.stop()
  await settled
})
