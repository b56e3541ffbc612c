/** Which pages are still right without a look at the index: those that were read after the last write, and none while something is written. */
import { expect, test } from 'vitest'
import { UnchangedPages } from './fresh-reads.ts'

const tagOf = (tag: string) => tag
const read = (pages: UnchangedPages, tag: string, accountId = 'a') => pages.reading(accountId, async () => tag, tagOf)

test('a page that was read is right until something begins to be written, of its account alone', async () => {
  const pages = new UnchangedPages()
  expect(pages.holds('a', 'one')).toBe(false)
  expect(await read(pages, 'one')).toBe('one')
  await read(pages, 'two', 'b')
  expect([pages.holds('a', 'one'), pages.holds('a', undefined), pages.holds('b', 'one')]).toEqual([true, false, false])
  const written = Promise.withResolvers<void>()
  const writing = pages.writing('a', () => written.promise)
  expect([pages.holds('a', 'one'), pages.holds('b', 'two')]).toEqual([false, true])
  written.resolve()
  await writing
  expect(pages.holds('a', 'one')).toBe(false)
  await read(pages, 'one')
  expect(pages.holds('a', 'one')).toBe(true)
})

test('one that was read beside a write is not known to be right, whichever of both began or ended first', async () => {
  const pages = new UnchangedPages()
  const begun = { read: Promise.withResolvers<string>(), write: Promise.withResolvers<void>() }
  const before = pages.reading('a', () => begun.read.promise, tagOf)
  const writing = pages.writing('a', () => begun.write.promise)
  const beside = pages.reading('a', () => begun.read.promise, tagOf)
  await read(pages, 'three')
  begun.write.resolve()
  await writing
  begun.read.resolve('one')
  await Promise.all([before, beside])
  expect(['one', 'three'].map(tag => pages.holds('a', tag))).toEqual([false, false])
})

test('of two writes at once the last one has to end, and one that failed may have written', async () => {
  const pages = new UnchangedPages()
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const writing = [first, second].map(({ promise }) => pages.writing('a', () => promise))
  first.resolve()
  await writing[0]
  await read(pages, 'one')
  expect(pages.holds('a', 'one')).toBe(false)
  second.reject(new Error('the thread ended'))
  await expect(writing[1]).rejects.toThrow('the thread ended')
  await read(pages, 'one')
  expect(pages.holds('a', 'one')).toBe(true)
  const failing = pages.writing('a', async () => {
    throw new Error('again')
  })
  await expect(failing).rejects.toThrow('again')
  expect(pages.holds('a', 'one')).toBe(false)
})

test('of an account that is forgotten nothing is known, nor of what is read of it at that moment', async () => {
  const pages = new UnchangedPages()
  await read(pages, 'one')
  const answer = Promise.withResolvers<string>()
  const reading = pages.reading('a', () => answer.promise, tagOf)
  pages.forget('a')
  answer.resolve('two')
  await reading
  expect(['one', 'two'].map(tag => pages.holds('a', tag))).toEqual([false, false])
})

test('it knows a thousand pages of an account, and forgets the first', async () => {
  const pages = new UnchangedPages()
  for (let at = 0; at <= 1_000; at++) await read(pages, `page ${at}`)
  expect([0, 1, 1_000].map(at => pages.holds('a', `page ${at}`))).toEqual([false, true, true])
})
