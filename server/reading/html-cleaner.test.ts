/** The same HTML is cleaned once for all who ask at the same time, and what was given up is not tried again. */
import { expect, test } from 'vitest'
import { Problem } from '../platform/problem.ts'
import type { CleanHtml } from './clean-html.ts'
import { HtmlCleaner } from './html-cleaner.ts'
import { TextWorkerError, type TextWorkerFault } from './job-thread.ts'

const asker = { key: 'ann', signal: new AbortController().signal }

/** Returns the source, or fails as it says. */
function cleaner() {
  const asked: string[] = []
  const run = async (_job: string, { source, remote }: { source: string; remote: boolean }): Promise<CleanHtml> => {
    asked.push(`${source} ${remote}`)
    if (/^(?:gave_up|busy|stopped)/.test(source)) {
      throw new TextWorkerError(source.replace(/ .*/, '') as TextWorkerFault, 'no')
    }
    if (source === 'bug') throw new Error('a bug')
    return { style: [], bodyAttributes: [], body: [source] }
  }
  return { asked, cleaner: new HtmlCleaner({ run: run as never }) }
}

test('the same HTML is cleaned once for those who ask at the same time, each way', async () => {
  const { asked, cleaner: own } = cleaner()
  const [one, other] = await Promise.all([own.clean('a', false, asker), own.clean('a', false, asker)])
  expect(one).toEqual({ style: [], bodyAttributes: [], body: ['a'] })
  expect(other).toBe(one)
  await Promise.all([own.clean('a', true, asker), own.clean('b', false, asker)])
  expect(asked).toEqual(['a false', 'a true', 'b false'])
})

test('what was given up is not tried again, a thousand of them; what had to wait is', async () => {
  const { asked, cleaner: own } = cleaner()
  expect(await own.clean('gave_up', false, asker)).toBe('gave_up')
  expect(await own.clean('gave_up', false, asker)).toBe('gave_up')
  expect(await own.clean('busy', false, asker)).toBe('busy')
  expect(await own.clean('busy', false, asker)).toBe('busy')
  expect(asked).toEqual(['gave_up false', 'busy false', 'busy false'])
  for (let index = 0; index < 1_000; index++) await own.clean(`gave_up ${index}`, false, asker)
  asked.length = 0
  await own.clean('gave_up 0', false, asker)
  expect(asked).toEqual([])
  await own.clean('gave_up', false, asker)
  expect(asked).toEqual(['gave_up false'])
})

test('while the server stops it says so, and a bug is a bug', async () => {
  const { cleaner: own } = cleaner()
  await expect(own.clean('stopped', false, asker)).rejects.toMatchObject({ code: 'draining' })
  await expect(own.clean('stopped', false, asker)).rejects.toBeInstanceOf(Problem)
  await expect(own.clean('bug', false, asker)).rejects.toThrow('a bug')
})
