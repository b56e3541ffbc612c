/** A job with several waiters runs once per key, and is cancelled once none of them waits any longer. */
import { expect, test } from 'vitest'
import { JobCache, type Requester } from './job-cache.ts'
import type { JobOptions } from './text-worker.ts'

/** A worker whose jobs end when the test says so; jobs aborted before they begin are dropped. */
function cache() {
  const jobs: { source: string; options: JobOptions; finish(): void }[] = []
  const run = (_job: string, { source }: { source: string }, options: JobOptions) => {
    const { promise, resolve, reject } = Promise.withResolvers()
    options.signal?.addEventListener('abort', () => reject(options.signal?.reason))
    jobs.push({ source, options, finish: () => resolve({ style: [], bodyAttributes: [], body: [source] }) })
    return promise
  }
  const own = new JobCache({ run: run as never }, { job: 'cleanHtml', contentOf: ({ source }) => [source] })
  const ask = (source: string, asker: Partial<Requester> = {}) =>
    own.run({ source, remote: false }, { key: 'ann', signal: new AbortController().signal, ...asker })
  return { jobs, ask }
}

test('a job is taken back when the last who waits for it has gone, and not before', async () => {
  const { jobs, ask } = cache()
  const [first, second] = [new AbortController(), new AbortController()]
  const [one, other] = [ask('a', { signal: first.signal }), ask('a', { signal: second.signal })]
  expect(jobs).toHaveLength(1)
  first.abort(new Error('the first has gone'))
  await expect(one).rejects.toThrow('the first has gone')
  expect(jobs[0]?.options.signal?.aborted).toBe(false)
  second.abort(new Error('the second has gone'))
  // A caller that arrives at the moment of the cancellation has it done again.
  const late = ask('a')
  await expect(other).rejects.toThrow('the second has gone')
  expect(jobs[0]?.options.signal?.aborted).toBe(true)
  await expect.poll(() => jobs.length).toBe(2)
  jobs[1]?.finish()
  expect(await late).toMatchObject({ body: ['a'] })
})

test('each key has its own jobs, so that no caller waits in the queue of another; equal requests share a job', async () => {
  const { jobs, ask } = cache()
  const [one, again, other] = [ask('a'), ask('a'), ask('a', { key: 'eve' })]
  expect(jobs.map(({ options }) => options.key)).toEqual(['ann', 'eve'])
  jobs[0]?.finish()
  expect(await one).toMatchObject({ body: ['a'] })
  expect(await again).toBe(await one)
  jobs[1]?.finish()
  await other
  expect(jobs).toHaveLength(2)
})
