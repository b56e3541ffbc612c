/** Threads of the server: their programs are taken from the compile cache, and background ones are polite. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { enableCompileCache, getCompileCacheDir } from 'node:module'
import { getPriority } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { tempDir } from '../../test/support/temp-dir.ts'
import { startThread } from './start-thread.ts'

const typescript = `
import { flushCompileCache } from 'node:module'
import { getPriority } from 'node:os'
import { parentPort, resourceLimits, workerData } from 'node:worker_threads'
const { maxYoungGenerationSizeMb: youngMb } = resourceLimits
const given: unknown = workerData
const compilers: string[] = process.moduleLoadList.filter((name: string) => name.includes('amaro'))
parentPort!.postMessage({ given, compilers: compilers.length, priority: getPriority(), youngMb })
flushCompileCache()
`
const resourceLimits = { maxOldGenerationSizeMb: 64 }

function program(): string {
  const dir = tempDir('thread')
  onTestFinished(() => dir.remove())
  const file = join(dir.path, 'program.ts')
  writeFileSync(file, typescript)
  return file
}

async function answerOf(...given: Parameters<typeof startThread>): Promise<unknown> {
  const worker = startThread(...given)
  const exited = once(worker, 'exit')
  const [answer] = await once(worker, 'message')
  await exited
  return answer
}

test('what one thread compiled, the next one does not compile again', async () => {
  expect(getCompileCacheDir()).toEqual(expect.any(String))
  expect(enableCompileCache().directory).toBe(getCompileCacheDir())
  const file = program()
  const first = await answerOf(file, { workerData: { n: 1 }, resourceLimits })
  expect(first).toEqual({ given: { n: 1 }, compilers: 1, priority: getPriority(), youngMb: 12 })
  expect(await answerOf(file, { workerData: 'x', resourceLimits })).toMatchObject({ given: 'x', compilers: 0 })
})

test('a thread may have more memory for what is new', async () => {
  const limits = { ...resourceLimits, maxYoungGenerationSizeMb: 24 }
  expect(await answerOf(program(), { workerData: null, resourceLimits: limits })).toMatchObject({ youngMb: 24 })
})

const linux = test.runIf(process.platform === 'linux')
linux.each([['low', 5] as const, ['background', 10] as const])(
  'a thread of %s priority comes behind the others',
  async (priority, nice) => {
    const before = getPriority()
    const answer = await answerOf(program(), { workerData: null, resourceLimits, priority })
    expect(answer).toMatchObject({ priority: Math.max(before, nice) })
    expect(getPriority()).toBe(before)
  },
)

test('a program that fails to load is an error of the thread', async () => {
  const dir = tempDir('thread')
  onTestFinished(() => dir.remove())
  const worker = startThread(join(dir.path, 'none.ts'), { workerData: null, resourceLimits })
  const [error] = await once(worker, 'error')
  expect(String(error)).toContain('none.ts')
})
