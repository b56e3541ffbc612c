import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'vitest'
import { patience } from '../../test/support/patience.ts'
import { pause, unlessAborted, unlessLate } from './waits.ts'

const never = new Promise<never>(() => undefined)

test('what is awaited answers, and leaves no listener behind', async () => {
  const { signal } = new AbortController()
  assert.equal(await unlessAborted(Promise.resolve('done'), signal), 'done')
  await assert.rejects(unlessAborted(Promise.reject(new Error('broken')), signal), /broken/)
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})

test('the signal ends the wait with its reason, also one that was aborted before', async () => {
  const abort = new AbortController()
  const waiting = unlessAborted(never, abort.signal)
  abort.abort(new Error('the caller has gone'))
  await assert.rejects(waiting, /the caller has gone/)
  await assert.rejects(unlessAborted(never, abort.signal), /the caller has gone/)
})

test('the bound ends the wait with another answer, or with an error; what fails behind it is ignored', async () => {
  assert.equal(await unlessLate(Promise.resolve('in time'), patience, () => 'late'), 'in time')
  assert.equal(await unlessLate(never, 0, () => 'late'), 'late')
  const { promise, reject } = Promise.withResolvers<never>()
  const late = unlessLate(promise, 0, () => {
    throw new Error('too late')
  })
  await assert.rejects(late, /too late/)
  // Unhandled, it would end the run.
  reject(new Error('behind it'))
})

test('a pause ends with its signal, and without an error', async () => {
  const abort = new AbortController()
  const pausing = pause(patience, abort.signal)
  abort.abort()
  await pausing
})
