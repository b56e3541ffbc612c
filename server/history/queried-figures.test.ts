/** Figures that are asked for: said while fresh, a gap when they could not be asked, and of one process alone. */
import { expect, test } from 'vitest'
import { createLogger } from '../platform/logger.ts'
import { QueriedFigures } from './queried-figures.ts'

test('an answer is said until it is stale; a question that fails leaves the others alone; where another process counts nothing is said', async () => {
  let [now, isMine, size] = [0, true, 5]
  const asked: string[] = []
  const figures = new QueriedFigures({
    queries: {
      broken: async () => {
        throw new Error('locked')
      },
      size: async () => {
        asked.push('size')
        return size
      },
    },
    isMine: () => isMine,
    logger: createLogger('silent'),
    now: () => now,
  })
  figures.refresh()
  figures.refresh()
  await expect.poll(() => figures.find('size')).toBe(5)
  expect([asked, figures.find('broken')]).toEqual([['size'], undefined])
  now = 89_999
  expect(figures.find('size')).toBe(5)
  now = 90_000
  expect(figures.find('size')).toBeUndefined()
  size = 6
  figures.refresh()
  await expect.poll(() => figures.find('size')).toBe(6)
  isMine = false
  figures.refresh()
  expect(figures.find('size')).toBeUndefined()
  await figures.stop()
})
