/** The cache of inflated blocks: never older than what is stored, and no larger than its bound. */
import { expect, test } from 'vitest'
import { BlockCache } from './block-cache.ts'

test('a block is inflated once, and again when it was written again', () => {
  const cache = new BlockCache()
  const inflated: string[] = []
  const read = (packed: string) =>
    cache
      .inflated('account text_blocks 1', Buffer.from(packed), bytes => {
        inflated.push(Buffer.from(bytes).toString())
        return Buffer.from(`of ${packed}`)
      })
      .toString()
  expect([read('one'), read('one'), read('two'), read('two'), read('one')]).toEqual([
    'of one',
    'of one',
    'of two',
    'of two',
    'of one',
  ])
  expect(inflated).toEqual(['one', 'two', 'one'])
})

test('those used longest ago are evicted', () => {
  const cache = new BlockCache()
  const size = 64 * 1024
  let inflations = 0
  const read = (number: number) =>
    cache.inflated(`${number}`, Buffer.from([number]), () => {
      inflations++
      return Buffer.alloc(size)
    })
  for (let number = 0; number < 200; number++) {
    read(number)
    read(0)
  }
  expect(cache.bytes).toBeLessThanOrEqual(8 * 1024 * 1024)
  expect(cache.bytes).toBeGreaterThan(7 * 1024 * 1024)
  expect(inflations).toBe(200)
  read(1)
  expect(inflations).toBe(201)
  // A block larger than the whole cache leaves nothing behind.
  cache.inflated('large', Buffer.from([1]), () => Buffer.alloc(9 * 1024 * 1024))
  expect(cache.bytes).toBe(0)
})
