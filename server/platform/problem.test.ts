/** Refusals are cheap, since they come in floods; faults say where they come from. */
import { expect, test } from 'vitest'
import { Problem } from './problem.ts'

test('a refusal carries no stack, a fault does, and other errors keep theirs', () => {
  const framesOf = ({ stack = '' }: Error) => stack.split('\n').filter(line => line.trim().startsWith('at ')).length
  expect(framesOf(new Problem('too_many_requests', 'Too many.'))).toBe(0)
  expect(framesOf(new Problem('overloaded', 'Too many.'))).toBe(0)
  expect(framesOf(new Problem('internal', 'A fault.'))).toBeGreaterThan(0)
  expect(framesOf(new Error('another'))).toBeGreaterThan(0)
})
