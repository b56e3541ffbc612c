/** The window's title and icon show problems, and a page that is disconnected. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Verdict } from '../overview/verdict.ts'
import { alarmOf, icons } from './alarm-words.ts'
import { mayOpen } from './navigation.ts'
import { waitingIcon } from './waiting-icon.ts'

const details = ['a', 'b'].map(key => ({ key, words: key }))
const verdict = (tone: Verdict['tone']) => ({ tone, details })

test('only what is bad rings, and being cut off rings before it', () => {
  expect(alarmOf(verdict('bad'), false, 0)).toEqual({ mark: '⚠ 2 · ', icon: 'bad', waiting: 0 })
  for (const tone of ['good', 'warn', 'busy', 'unknown'] as const) {
    expect(alarmOf(verdict(tone), false, 0)).toEqual({ mark: '', icon: 'well', waiting: 0 })
  }
  expect(alarmOf(undefined, false, 0).icon).toBe('well')
  expect(alarmOf(verdict('bad'), true, 0)).toEqual({ mark: '⚠ Not live · ', icon: 'lost', waiting: 0 })
})

test('what waits for approval is counted in the title and on the icon, not while the page is cut off', () => {
  expect(alarmOf(verdict('good'), false, 3)).toEqual({ mark: '(3) ', icon: 'well', waiting: 3 })
  expect(alarmOf(verdict('bad'), false, 3).mark).toBe('⚠ 2 · (3) ')
  expect(alarmOf(verdict('good'), true, 3)).toMatchObject({ mark: '⚠ Not live · ', waiting: 0 })
  expect(decodeURIComponent(waitingIcon(3))).toContain('>3</text>')
  expect(decodeURIComponent(waitingIcon(12))).toContain('>9+</text>')
})

test('alerts that fire are counted, also beside warnings, so that the title has the number of the overview', () => {
  const alert = { key: 'al_1', words: 'Mail is late.', href: '/alerts' }
  const alerting = (tone: Verdict['tone']) => ({ tone, details: [...details, alert] })
  expect(alarmOf(alerting('warn'), false, 0)).toEqual({ mark: '⚠ 1 · ', icon: 'bad', waiting: 0 })
  expect(alarmOf(alerting('bad'), false, 1)).toMatchObject({ mark: '⚠ 3 · (1) ', icon: 'bad' })
  expect(alarmOf(alerting('warn'), true, 0).mark).toBe('⚠ Not live · ')
})

test('each icon is there', () => {
  for (const path of Object.values(icons)) expect(existsSync(join(import.meta.dirname, '../public', path))).toBe(true)
})

test('a cause leads only to where one may go', () => {
  expect(mayOpen('/audit?outcome=failed', ['dashboard:read'])).toBe(false)
  expect(mayOpen('/audit?outcome=failed', ['dashboard:admin'])).toBe(true)
  expect(mayOpen('/accounts/a1', ['dashboard:read'])).toBe(true)
  expect(mayOpen('/profile', [])).toBe(true)
})
