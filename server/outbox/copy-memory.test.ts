/** Copies wait until there is room for their bytes. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { CopyMemory } from './copy-memory.ts'

test('a copy waits until enough bytes were given back, and one larger than the bound goes alone', async () => {
  const memory = new CopyMemory(10)
  const gone: string[] = []
  const take = async (name: string, bytes: number) => {
    const giveBack = await memory.take(bytes)
    gone.push(name)
    return giveBack
  }
  const first = await take('first', 6)
  const second = await take('second', 4)
  const third = take('third', 6)
  const huge = take('huge', 100)
  second()
  await nextTurn()
  expect(gone).toEqual(['first', 'second'])
  first()
  const giveThirdBack = await third
  await nextTurn()
  expect(gone).toEqual(['first', 'second', 'third'])
  giveThirdBack()
  ;(await huge)()
  expect(gone.at(-1)).toBe('huge')
})
