/** History is forgotten by a clock that neither jumps nor runs ahead. */
import { expect, test } from 'vitest'
import { createLogger } from './logger.ts'
import { RetentionClock } from './retention-clock.ts'

const hour = 60 * 60_000
const day = 24 * hour
const begin = Date.UTC(2026, 0, 1)

function world(kept?: number) {
  const state = { wall: begin, elapsed: 0, kept, lines: [] as string[] }
  const open = async () => {
    const clock = new RetentionClock({
      store: {
        find: async () => state.kept,
        save: async at => {
          state.kept = at
        },
      },
      now: () => state.wall,
      elapsed: () => state.elapsed,
      logger: createLogger('info', { write: line => void state.lines.push(JSON.parse(line).msg) }),
    })
    await clock.start()
    return clock
  }
  const pass = (ms: number) => {
    state.wall += ms
    state.elapsed += ms
  }
  return { state, open, pass }
}

test('on a new server, and while all goes well, it is the wall clock', async () => {
  const { state, open, pass } = world()
  const clock = await open()
  expect(clock.now()).toBe(begin)
  pass(hour)
  expect(clock.now()).toBe(begin + hour)
  await clock.stop()
  expect(state.kept).toBe(begin + hour)
  expect(state.lines).toEqual([])
})

test('a start at +463 days forgets two hours in each hour, says so once, and comes back when the clock does', async () => {
  const { state, open, pass } = world(begin)
  state.wall += 463 * day
  const clock = await open()
  expect(clock.now()).toBe(begin)
  pass(hour)
  expect(clock.now()).toBe(begin + 2 * hour)
  pass(hour)
  expect(clock.now()).toBe(begin + 4 * hour)
  expect(state.lines).toHaveLength(1)
  expect(state.lines[0]).toContain('the clock is far ahead')
  state.wall -= 463 * day
  expect(clock.now()).toBe(begin + 2 * hour)
  expect(state.lines[1]).toContain('by the clock again')
})

test('a jump while it runs is none for it, and a clock that is put back holds it back', async () => {
  const { state, open, pass } = world()
  const clock = await open()
  state.wall += 10 * day
  expect(clock.now()).toBe(begin)
  state.wall = begin - day
  expect(clock.now()).toBe(begin - day)
  pass(hour)
  expect(clock.now()).toBe(begin - day + hour)
})

test('what was missed while the server was off is made up for, over starts', async () => {
  const { state, open, pass } = world(begin)
  state.wall += 8 * hour
  const first = await open()
  pass(3 * hour)
  expect(first.now()).toBe(begin + 6 * hour)
  await first.stop()
  state.elapsed = 0
  const second = await open()
  expect(second.now()).toBe(begin + 6 * hour)
  pass(6 * hour)
  expect(second.now()).toBe(state.wall)
})
