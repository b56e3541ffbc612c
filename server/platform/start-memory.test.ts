/** Garbage of the start is collected, and no other code gets access to the collector. */
import { expect, test } from 'vitest'
import { dropStartMemory } from './start-memory.ts'

test('what nothing refers to any more is gone at once, and no global is left', () => {
  const left = new WeakRef({ text: 'x'.repeat(1000) })
  const isGone = () => {
    dropStartMemory()
    return left.deref() === undefined
  }
  // A WeakRef holds on to what it gave out, or was made from, until the turn ends.
  return expect
    .poll(isGone)
    .toBe(true)
    .then(() => expect('gc' in globalThis).toBe(false))
})
