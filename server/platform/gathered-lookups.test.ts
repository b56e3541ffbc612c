/** Concurrent lookups are batched; each caller gets its own row, and none waits long. */
import { expect, test } from 'vitest'
import { GatheredLookups } from './gathered-lookups.ts'

interface Row {
  key: string
}

function lookups({ most = 16, rows = (key: string): Row[] => [{ key }] } = {}) {
  const asked: (readonly string[])[] = []
  const held: PromiseWithResolvers<void>[] = []
  let isHeld = false
  const gathered = new GatheredLookups<Row>({
    find: async keys => {
      asked.push(keys)
      if (isHeld) {
        const hold = Promise.withResolvers<void>()
        held.push(hold)
        await hold.promise
      }
      return [...new Set(keys)].flatMap(rows)
    },
    keyOf: ({ key }) => key,
    most,
  })
  return { gathered, asked, held, hold: () => (isHeld = true) }
}

test('look-ups of one turn are one statement, and each gets its own row', async () => {
  const { gathered, asked } = lookups({ rows: key => (key === 'c' ? [] : [{ key }]) })
  const found = await Promise.all(['a', 'b', 'c'].map(key => gathered.find(key)))
  expect(found).toEqual([{ key: 'a' }, { key: 'b' }, undefined])
  // Padded to a power of two, so that there are few statements to prepare.
  expect(asked).toEqual([['a', 'b', 'c', 'c']])
})

test('those who come in turns that follow each other are gathered too', async () => {
  const { gathered, asked } = lookups()
  const found: Promise<Row | undefined>[] = []
  // Within the time that it gathers, also where this machine is slow: then there are two statements, and never four.
  for (const key of ['a', 'b', 'c', 'd']) {
    found.push(gathered.find(key))
    await new Promise(setImmediate)
  }
  expect(await Promise.all(found)).toEqual(['a', 'b', 'c', 'd'].map(key => ({ key })))
  expect(asked.length).toBeLessThan(4)
})

test('a statement names no more than so many, and the next is not held up by it', async () => {
  const { gathered, asked, held, hold } = lookups({ most: 2 })
  hold()
  const [a, b, c] = ['a', 'b', 'c'].map(key => gathered.find(key))
  expect(asked).toEqual([['a', 'b']])
  await expect.poll(() => asked).toEqual([['a', 'b'], ['c']])
  held[1]!.resolve()
  expect(await c).toEqual({ key: 'c' })
  held[0]!.resolve()
  expect(await Promise.all([a, b])).toEqual([{ key: 'a' }, { key: 'b' }])
})

test('one alone is not waited for by others: it is asked in the next turn, and one who comes later is read later', async () => {
  const { gathered, asked, held, hold } = lookups()
  hold()
  const first = gathered.find('a')
  await expect.poll(() => asked).toEqual([['a']])
  const second = gathered.find('a')
  await expect.poll(() => asked).toEqual([['a'], ['a']])
  for (const { resolve } of held) resolve()
  expect(await Promise.all([first, second])).toEqual([{ key: 'a' }, { key: 'a' }])
})

test('where the database cannot be read, all of a statement hear it, and the next asks again', async () => {
  let isBroken = true
  const gathered = new GatheredLookups<Row>({
    find: async keys => {
      if (isBroken) throw new Error('the database went away')
      return keys.map(key => ({ key }))
    },
    keyOf: ({ key }) => key,
    most: 16,
  })
  const all = await Promise.allSettled([gathered.find('a'), gathered.find('b')])
  expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  isBroken = false
  expect(await gathered.find('a')).toEqual({ key: 'a' })
})
