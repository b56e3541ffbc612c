/** Few notifications: the first one immediately, later ones batched. */
import { expect, test } from 'vitest'
import { PushPace } from './push-pace.ts'

const times = { gatherMs: 200, apartMs: 15_000, groupMs: 60_000, perHour: 3 }

/** Takes what is due at its time, until nothing waits or the time is over. */
function run(pace: PushPace, until: number): [number, string[]][] {
  const told: [number, string[]][] = []
  for (let at = pace.nextAt(); at !== undefined && at <= until; at = pace.nextAt()) {
    for (const { userId, groups } of pace.take(at)) {
      pace.told(userId, groups, at)
      told.push([at, groups])
    }
  }
  return told
}

test('the first is due after a moment, with all that came in it; the next ones 15 seconds later, together', () => {
  const pace = new PushPace(times)
  pace.note('ann', 'a', 0)
  pace.note('ann', 'a', 100)
  expect(run(pace, 10_000)).toEqual([[200, ['a']]])
  pace.note('ann', 'b', 1_000)
  pace.note('ann', 'c', 2_000)
  expect(run(pace, 100_000)).toEqual([[15_200, ['b', 'c']]])
})

test('a group is told once a minute, however often it is asked in', () => {
  const pace = new PushPace(times)
  pace.note('ann', 'a', 0)
  expect(run(pace, 1_000)).toEqual([[200, ['a']]])
  for (let at = 1_000; at < 60_000; at += 1_000) pace.note('ann', 'a', at)
  expect(run(pace, 300_000)).toEqual([[60_200, ['a']]])
})

test('no more than so many in an hour; what is beyond waits for the next, together', () => {
  const pace = new PushPace(times)
  const told: [number, string[]][] = []
  for (let minute = 0; minute < 10; minute++) {
    pace.note('ann', `group ${minute}`, minute * 60_000)
    told.push(...run(pace, minute * 60_000 + 30_000))
  }
  expect(told.map(([at]) => at)).toEqual([200, 60_200, 120_200])
  const rest = run(pace, 10 * 3_600_000)
  expect(rest).toEqual([[3_600_200, Array.from({ length: 7 }, (_, index) => `group ${index + 3}`)]])
})

test('users do not wait for each other; only what was told counts', () => {
  const pace = new PushPace(times)
  pace.note('ann', 'a', 0)
  pace.note('ben', 'a', 0)
  expect(pace.take(200)).toEqual([
    { userId: 'ann', groups: ['a'] },
    { userId: 'ben', groups: ['a'] },
  ])
  pace.told('ann', ['a'], 200)
  pace.note('ann', 'a', 300)
  pace.note('ben', 'a', 300)
  expect(pace.take(500)).toEqual([{ userId: 'ben', groups: ['a'] }])
  expect(pace.nextAt()).toBe(60_200)
  for (let group = 0; group < 1_000; group++) pace.note('cy', `group ${group}`, 0)
  expect(pace.take(1_000)[0]!.groups).toHaveLength(100)
})
