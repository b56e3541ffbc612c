/** Searches and pieces of downloads take turns while lists are asked for; neither waits for long, and without lists neither waits. */
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { BackgroundTurns } from './background-turns.ts'

beforeEach(() => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
})

/** What began, in order, and how each is ended. */
function watched(turns: BackgroundTurns) {
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  return {
    begun,
    begin: (kind: 'search' | 'piece', name: string) =>
      turns.run(kind, () => {
        begun.push(name)
        return new Promise<string>(resolve => ends.set(name, () => resolve(name)))
      }),
    end: async (name: string) => {
      ends.get(name)!()
      await vi.advanceTimersByTimeAsync(0)
    },
  }
}

test('while lists are asked for, one kind begins when the other has ended, in the order in which they came', async () => {
  const turns = new BackgroundTurns(2)
  const { begun, begin, end } = watched(turns)
  await turns.list(async () => 'a list')
  const all = [begin('search', 'search 1'), begin('piece', 'piece 1'), begin('piece', 'piece 2')]
  all.push(begin('search', 'search 2'), begin('piece', 'piece 3'))
  await vi.advanceTimersByTimeAsync(0)
  expect(begun).toEqual(['search 1'])
  await end('search 1')
  expect(begun).toEqual(['search 1', 'piece 1', 'piece 2'])
  await end('piece 1')
  expect(begun).toHaveLength(3)
  await end('piece 2')
  expect(begun.slice(3)).toEqual(['search 2'])
  await end('search 2')
  expect(begun.slice(4)).toEqual(['piece 3'])
  await end('piece 3')
  expect(await Promise.all(all)).toEqual(['search 1', 'piece 1', 'piece 2', 'search 2', 'piece 3'])
})

test('a piece goes on after 50 ms whatever searches do, and a search after 5 ms: neither stands still', async () => {
  const turns = new BackgroundTurns(2)
  const { begun, begin } = watched(turns)
  const list = Promise.withResolvers<void>()
  void turns.list(() => list.promise)
  void begin('search', 'search 1')
  void begin('piece', 'piece 1')
  void begin('search', 'search 2')
  await vi.advanceTimersByTimeAsync(4)
  expect(begun).toEqual(['search 1'])
  await vi.advanceTimersByTimeAsync(1)
  expect(begun).toEqual(['search 1', 'search 2'])
  await vi.advanceTimersByTimeAsync(44)
  expect(begun).toHaveLength(2)
  await vi.advanceTimersByTimeAsync(1)
  expect(begun).toEqual(['search 1', 'search 2', 'piece 1'])
  expect(vi.getTimerCount()).toBe(0)
})

test('neither waits where nobody asks for lists, or did 50 ms ago, or where there are more processors', async () => {
  const turns = new BackgroundTurns(2)
  const { begun, begin } = watched(turns)
  void begin('search', 'search 1')
  void begin('piece', 'piece 1')
  expect(begun).toEqual(['search 1', 'piece 1'])
  await turns.list(async () => 'a list')
  await vi.advanceTimersByTimeAsync(50)
  void begin('search', 'search 2')
  void begin('piece', 'piece 2')
  expect(begun).toHaveLength(4)
  const many = new BackgroundTurns(3)
  const other = watched(many)
  await many.list(async () => 'a list')
  void other.begin('search', 'search')
  void other.begin('piece', 'piece')
  expect(other.begun).toEqual(['search', 'piece'])
  expect(vi.getTimerCount()).toBe(0)
})

test('what fails gives its turn on, and a list that fails is a list', async () => {
  const turns = new BackgroundTurns(2)
  const { begun, begin } = watched(turns)
  await expect(turns.list(() => Promise.reject(new Error('no list')))).rejects.toThrow('no list')
  const failing = Promise.withResolvers<void>()
  const failed = turns.run('search', () => failing.promise)
  void begin('piece', 'piece')
  expect(begun).toEqual([])
  failing.reject(new Error('no search'))
  await expect(failed).rejects.toThrow('no search')
  expect(begun).toEqual(['piece'])
})
