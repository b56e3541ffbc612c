/** The parser against the HTML standard, section 9.2.6. */
import { expect, test } from 'vitest'
import { SseParser } from './sse-parser.ts'

test('lines may end in LF, CR or CRLF', () => {
  for (const end of ['\n', '\r', '\r\n']) {
    const parser = new SseParser()
    // A bare CR at the end of a chunk could be half a CRLF; the next chunk decides.
    const messages = [...parser.push(['event: a', 'data: 1', '', 'data: 2', '', ''].join(end)), ...parser.push(end)]
    expect(messages.map(({ event, data }) => [event, data])).toEqual([
      ['a', '1'],
      ['message', '2'],
    ])
  }
})

test('wherever the text is cut, the same messages come out', () => {
  const text = ': hello\r\nid: k-1\r\nevent: x\r\ndata: one\r\ndata: two\r\n\r\nid: k-2\rdata:three\r\r\ndata: näh\n\n'
  const whole = new SseParser().push(text)
  expect(whole.map(({ data }) => data)).toEqual(['one\ntwo', 'three', 'näh'])
  for (let cut = 1; cut < text.length; cut++) {
    const parser = new SseParser()
    expect([...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))]).toEqual(whole)
  }
  const letter = new SseParser()
  expect([...text].flatMap(character => letter.push(character))).toEqual(whole)
})

test('comments and unknown fields are passed over; a field without colon is empty', () => {
  const parser = new SseParser()
  expect(parser.push(': ping\nfoo: bar\ndata\ndata\n\n')).toEqual([{ event: 'message', data: '\n', id: '' }])
})

test('one space after the colon is dropped, and only one', () => {
  expect(new SseParser().push('data:  two\n\n')[0]?.data).toBe(' two')
})

test('an id counts once its block is finished, also without data, and stays', () => {
  const parser = new SseParser('k-1')
  parser.push('id: k-2\n')
  expect(parser.lastEventId).toBe('k-1')
  expect(parser.push('\n')).toEqual([])
  expect(parser.lastEventId).toBe('k-2')
  expect(parser.push('data: x\n\n')[0]?.id).toBe('k-2')
  parser.push('id: bad\0id\n\n')
  expect(parser.lastEventId).toBe('k-2')
})

test('retry is a whole number or nothing', () => {
  const parser = new SseParser()
  parser.push('retry: 1e3\n')
  expect(parser.retryMs).toBeUndefined()
  parser.push('retry: 3000\n')
  expect(parser.retryMs).toBe(3000)
})

test('an event name does not leak into the next event', () => {
  expect(new SseParser().push('event: a\n\ndata: x\n\n')[0]?.event).toBe('message')
})

test('a line without end is refused instead of filling the memory', () => {
  const parser = new SseParser()
  const piece = 'x'.repeat(1024 * 1024)
  expect(() => {
    for (let count = 0; count < 6; count++) parser.push(piece)
  }).toThrow('too long a line')
})
