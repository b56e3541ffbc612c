/** Frames as bytes: the form on the wire, and the memory that they keep. */
import { expect, test } from 'vitest'
import { encodeFact, encodeFrame } from './event-frame.ts'

test('a fact is its id, its type and its data, each on one line, whatever the data says', () => {
  expect(encodeFact('mail_received', '{"a":"é\\n"}', 'x-1').toString()).toBe(
    'id: x-1\nevent: mail_received\ndata: {"a":"é\\n"}\n\n',
  )
  expect(encodeFrame('heartbeat', { a: '\n' }).toString()).toBe('event: heartbeat\ndata: {"a":"\\n"}\n\n')
  expect(() => encodeFact('no type', '{}', 'x-1')).toThrow(TypeError)
})

test('a fact, which is held for hours, keeps no more memory than its own bytes', () => {
  for (const size of [0, 100, 5_000]) {
    const frame = encodeFact('mail_received', JSON.stringify('é'.repeat(size)), 'x-1')
    expect(frame.buffer.byteLength).toBe(frame.length)
  }
})
