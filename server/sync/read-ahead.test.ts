/** What is read ahead: used where it is still wanted, discarded where it is not, and never two together. */
import { expect, test } from 'vitest'
import { ReadAhead } from './read-ahead.ts'

test('a read-ahead is taken once, and its failure reaches the caller that takes it', async () => {
  const ahead = new ReadAhead<string>()
  ahead.begin('b', async () => 'read ahead')
  expect(await ahead.take('b', async () => 'read now')).toBe('read ahead')
  expect(await ahead.take('b', async () => 'read now')).toBe('read now')
  ahead.begin('c', () => Promise.reject(new Error('the connection was lost')))
  await expect(ahead.take('c', async () => 'read now')).rejects.toThrow('the connection was lost')
  expect(await ahead.take('c', async () => 'read now')).toBe('read now')
})

test('what is no longer wanted ends before anything else is fetched', async () => {
  const ahead = new ReadAhead<string>()
  const order: string[] = []
  const begun = Promise.withResolvers<string>()
  ahead.begin('b', () => begun.promise.finally(() => order.push('ahead ended')))
  const taken = ahead.take('c', async () => {
    order.push('other began')
    return 'other'
  })
  begun.reject(new Error('lost'))
  expect(await taken).toBe('other')
  expect(order).toEqual(['ahead ended', 'other began'])
  ahead.begin('b', async () => 'stale')
  await ahead.forget()
  expect(await ahead.take('b', async () => 'fresh')).toBe('fresh')
})
