/** The address, times, verdict and held rows of the audit trail. */
import { expect, test } from 'vitest'
import { problems } from '../../contract/problem.ts'
import { heldRows } from '../ui/held-rows.tsx'
import { exportAddress, filterOf, hasFilter, toLocal, toTimestamp, viewDefaults } from './audit-view.ts'
import { verdictWords } from './audit-words.ts'
import { outcomeWords } from './outcome-words.ts'
import { refWords } from './ref-words.ts'

test('the export carries the filter of the page, and not how far back one has gone', () => {
  const view = { ...viewDefaults, operation: 'mail.', account: 'a b', cursor: '77' }
  expect(exportAddress(view, 'csv')).toBe('/api/dashboard/audit/export?format=csv&operation=mail.&account_id=a+b')
  expect(hasFilter({ ...viewDefaults, cursor: '77' })).toBe(false)
  expect(filterOf(view).outcome).toBeUndefined()
})

test('a time of this machine becomes one of the server, and back', () => {
  const timestamp = toTimestamp('2026-11-22T18:14')
  expect(timestamp).toMatch(/^2026-11-2\dT\d\d:14:00\.000Z$/)
  expect(toLocal(timestamp)).toBe('2026-11-22T18:14')
  expect([toTimestamp(''), toLocal('yesterday')]).toEqual(['', ''])
})

test('what a check found is said in words, with the entry at fault', () => {
  const begun_at = '2026-11-28T05:00:00.000Z'
  const whole = { is_whole: true, entries: 1234, oldest: 1, newest: 1234, begun_at, fault: null }
  expect(verdictWords(whole)).toMatchObject({ tone: 'good' })
  expect(verdictWords(whole).detail).toContain('1,234 entries (1 to 1,234)')
  // The verdict names when a trail was restarted after everything was wiped.
  expect(verdictWords(whole).detail).toMatch(/The trail was started 2\d Nov 2026, /)
  expect(verdictWords({ ...whole, entries: 0, oldest: null, newest: null }).detail).toContain('no entries')
  const fault = { number: 812, kind: 'missing', detail: 'The next one does not follow.' } as const
  expect(verdictWords({ ...whole, is_whole: false, fault })).toMatchObject({
    tone: 'bad',
    title: 'Entry 812 is missing',
  })
  const wiped = { number: 0, kind: 'missing', detail: 'There is no trail.' } as const
  expect(verdictWords({ ...whole, is_whole: false, fault: wiped })).toEqual({
    tone: 'bad',
    title: 'The trail is missing',
    detail: 'There is no trail.',
  })
  const doubt = { number: 9, kind: 'unconfirmed', detail: 'audit.head is missing.' } as const
  expect(verdictWords({ ...whole, is_whole: false, fault: doubt })).toEqual({
    tone: 'bad',
    title: 'Integrity not confirmed',
    detail: 'audit.head is missing.',
  })
})

test('what came of something is told as one reads it afterwards, and never as what to do now', () => {
  const words = (outcome: string, status: number, operation = 'mail.getMessage') =>
    outcomeWords({ operation, outcome, status })
  expect(words('ok', 200)).toEqual({ tone: 'good', text: 'Done' })
  expect(words('unauthorized', 401)).toEqual({ tone: 'warn', text: 'Not signed in' })
  expect(words('sign_in_failed', 401, 'access.openSession').text).toBe('Wrong password')
  expect(words('sign_in_failed', 401, 'access.giveSecondFactor').text).toBe('Wrong code')
  expect(words('second_factor', 201, 'access.openSession')).toEqual({ tone: 'info', text: 'Second factor required' })
  expect(words('strange', 500)).toEqual({ tone: 'bad', text: 'strange' })
  const instructions = Object.entries(problems).filter(([code, { status }]) =>
    /^(sign in|send|only a|connect)\b/i.test(words(code, status).text),
  )
  expect(instructions).toEqual([])
})

test('a row says shortly what it was done to, by name as long as they are known', () => {
  const people = [{ id: '7f', name: 'Grace' }]
  expect(refWords({ user_id: '7f', fields: 'name, role' }, people)).toEqual(['user Grace', 'fields name, role'])
  expect(refWords({ user_id: '7f', most_often: '' })).toEqual(['user 7f'])
  expect(refWords({ ref: 'x'.repeat(600) })[0]).toHaveLength(44)
})

test('while entries are held, new ones wait and are counted', () => {
  const list = (...numbers: number[]) => numbers.map(number => ({ number }))
  expect(heldRows(undefined, list(3, 2, 1))).toMatchObject({ shown: list(3, 2, 1), waiting: 0 })
  expect(heldRows(list(3, 2), list(5, 4, 3))).toEqual({ shown: list(3, 2), waiting: 2, isMore: false })
  expect(heldRows(list(3, 2), list(4, 3, 2, 1))).toEqual({ shown: list(3, 2, 1), waiting: 1, isMore: false })
  expect(heldRows(list(3), list(9, 8))).toEqual({ shown: list(3), waiting: 2, isMore: true })
})
