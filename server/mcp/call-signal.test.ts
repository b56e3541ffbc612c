/** A signal of a call aborts with the first of those that it follows, and a request has the very signal that it was given. */
import { expect, test } from 'vitest'
import { followCall, requestOfCall } from './sdk-context.ts'

test('aborts with either, for the reason of the first', () => {
  for (const which of [0, 1]) {
    const sources = [new AbortController(), new AbortController()]
    const signal = followCall(sources[0]!.signal, sources[1]!.signal)
    expect(signal.aborted).toBe(false)
    sources[which]!.abort('first')
    sources[1 - which]!.abort('second')
    expect([signal.aborted, signal.reason]).toEqual([true, 'first'])
  }
})

test('is aborted from the start where one of them is', () => {
  const other = new AbortController().signal
  expect(followCall(AbortSignal.abort('gone'), other).reason).toBe('gone')
  expect(followCall(other, AbortSignal.abort('gone')).reason).toBe('gone')
})

test('a request has the very signal, and what else was said of it', () => {
  const { signal } = new AbortController()
  const headers = new Headers({ accept: 'text/plain' })
  const request = requestOfCall('http://rustymail.invalid/mcp', { method: 'POST', headers }, signal)
  expect(request.signal).toBe(signal)
  expect([request.method, request.headers.get('accept')]).toEqual(['POST', 'text/plain'])
})
