/** What a caller did in the last hour: counted, sorted, and bounded, however many names and callers there are. */
import { expect, test } from 'vitest'
import { RecentCalls } from './recent-calls.ts'

const minute = 60_000

function counting() {
  const clock = { now: Date.parse('2026-11-29T00:00:30.000Z') }
  return { clock, calls: new RecentCalls(() => clock.now) }
}

test('calls are counted for each caller, those most often called first', () => {
  const { calls } = counting()
  for (const name of ['mail.read', 'mail.list', 'mail.read']) calls.note('token-a', name)
  calls.note('token-b', 'mail.search')
  expect(calls.list('token-a')).toEqual([
    { name: 'mail.read', count: 2 },
    { name: 'mail.list', count: 1 },
  ])
  expect(calls.list('token-b')).toEqual([{ name: 'mail.search', count: 1 }])
  expect(calls.list('token-c')).toEqual([])
})

test('what is older than an hour is not shown, whether or not the caller calls again', () => {
  const { clock, calls } = counting()
  calls.note('token-a', 'mail.read')
  clock.now += 59 * minute
  calls.note('token-a', 'mail.read')
  expect(calls.list('token-a')).toEqual([{ name: 'mail.read', count: 2 }])
  clock.now += minute
  expect(calls.list('token-a')).toEqual([{ name: 'mail.read', count: 1 }])
  calls.note('token-a', 'mail.list')
  clock.now += 59 * minute
  expect(calls.list('token-a')).toEqual([{ name: 'mail.list', count: 1 }])
  clock.now += minute
  expect(calls.list('token-a')).toEqual([])
})

test('of each minute a hundred names are told apart, the rest is counted together, and none is lost', () => {
  const { calls } = counting()
  for (let at = 0; at < 300; at++) calls.note('token-a', `tool.${at}`)
  calls.note('token-a', 'tool.7')
  const shown = calls.list('token-a')
  expect(shown.length).toBe(101)
  expect(shown.slice(0, 2)).toEqual([
    { name: 'other', count: 200 },
    { name: 'tool.7', count: 2 },
  ])
  expect(shown.reduce((sum, { count }) => sum + count, 0)).toBe(301)
})

test('the caller that called longest ago is forgotten, once there are too many', () => {
  const { calls } = counting()
  calls.note('token-first', 'x')
  calls.note('token-second', 'x')
  for (let at = 0; at < 1_498; at++) calls.note(`token-${at}`, 'x')
  calls.note('token-first', 'x')
  calls.note('token-last', 'x')
  expect(calls.list('token-first')).toEqual([{ name: 'x', count: 2 }])
  expect(calls.list('token-second')).toEqual([])
  expect(calls.list('token-0')).toEqual([{ name: 'x', count: 1 }])
})
