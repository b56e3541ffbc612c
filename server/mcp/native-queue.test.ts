/** What waits for a client is bounded, keeps its order, and is given up with the connection. */
import { expect, test } from 'vitest'
import { bounds } from './native-protocol.ts'
import { FrameQueue } from './native-queue.ts'

function queue() {
  const made = new FrameQueue()
  const counts = { full: 0, ready: 0 }
  made.onFull = () => void counts.full++
  made.onReady = () => void counts.ready++
  const taken = () => {
    const all: string[] = []
    for (let text = made.take(); text !== undefined; text = made.take()) all.push(text)
    return all
  }
  return { queue: made, counts, taken }
}

test('messages come in order, then news, of which only the newest of a key, then what ends it', () => {
  const { queue: frames, taken } = queue()
  frames.notify('a', 'a 1')
  frames.notify('b', 'b 1')
  frames.put('first')
  frames.notify('a', 'a 2')
  frames.put('second')
  frames.notify('gone 1', 'x')
  frames.forget('gone')
  frames.end('bye')
  expect(frames.hasEnded).toBe(false)
  expect(taken()).toEqual(['first', 'second', 'b 1', 'a 2', 'bye'])
  expect(frames.hasEnded).toBe(true)
})

test('more frames than may wait, or longer ones, are said to be too many; a single long one is not', () => {
  const { queue: frames, counts, taken } = queue()
  for (let count = 0; count < bounds.waitingFrames; count++) frames.put('x')
  expect([counts.full, frames.isBusy]).toEqual([0, true])
  frames.put('x')
  expect(counts.full).toBe(1)
  expect(taken()).toHaveLength(bounds.waitingFrames + 1)
  expect(frames.isBusy).toBe(false)
  frames.put('x'.repeat(bounds.waitingLength + 1))
  expect([counts.full, frames.isBusy]).toEqual([1, true])
  frames.put('x')
  expect(counts.full).toBe(2)
  taken()
  // What was taken counts no more.
  for (let count = 0; count < 3; count++) frames.put('x'.repeat(bounds.waitingLength / 3))
  expect(counts.full).toBe(2)
})

test('of the log so many entries wait, and there is room again once they are taken', () => {
  const { queue: frames, taken } = queue()
  const log = () => {
    for (let count = 0; count <= bounds.waitingLog; count++) frames.log(`entry ${count}`)
  }
  log()
  expect(taken()).toHaveLength(bounds.waitingLog)
  log()
  expect(taken()).toHaveLength(bounds.waitingLog)
})

test('entries of the log that were taken leave room, although other news never run out or are forgotten', () => {
  const { queue: frames } = queue()
  const roomFor = () => {
    let taken = 0
    for (let count = 0; count < bounds.waitingLog + 1; count++) {
      frames.log(`entry ${count}`)
      frames.notify('1 progress', 'some')
      if (frames.take()?.startsWith('entry')) taken++
    }
    return taken
  }
  expect(roomFor()).toBe(bounds.waitingLog + 1)
  frames.forget('1 ')
  expect(roomFor()).toBe(bounds.waitingLog + 1)
})

test('news of one turn are ready once', async () => {
  const { queue: frames, counts } = queue()
  frames.notify('a', '1')
  frames.notify('b', '1')
  expect(counts.ready).toBe(0)
  await Promise.resolve()
  expect(counts.ready).toBe(1)
})

test('a sender waits until its frame was taken; what comes after the end is refused and never sent', async () => {
  const { queue: frames, taken } = queue()
  let isTaken = false
  const sent = frames.send('one').then(() => {
    isTaken = true
  })
  await Promise.resolve()
  expect(isTaken).toBe(false)
  frames.end('bye')
  await expect(frames.send('late')).rejects.toThrow('has ended')
  frames.put('late')
  frames.notify('late', 'late')
  frames.end('another end')
  expect(taken()).toEqual(['one', 'bye'])
  await sent
})

test('a connection that breaks drops what waits, and tells each sender the first fault', async () => {
  const { queue: frames, counts, taken } = queue()
  const sent = frames.send('one')
  frames.notify('a', '1')
  frames.break(new Error('the first'))
  frames.break(new Error('the second'))
  await expect(sent).rejects.toThrow('the first')
  await expect(frames.send('two')).rejects.toThrow('the first')
  frames.put('three')
  frames.notify('a', '2')
  frames.end('bye')
  expect([taken(), frames.hasEnded, frames.isBroken]).toEqual([[], true, true])
  expect(counts.full).toBe(0)
})
