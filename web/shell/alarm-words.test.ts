/** The window's title and icon tell of what is bad, and of a page that is cut off. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Verdict } from '../overview/verdict.ts'
import { alarmOf, icons } from './alarm-words.ts'
import { mayOpen } from './navigation.ts'

const details = ['a', 'b'].map(key => ({ key, words: key }))
const verdict = (tone: Verdict['tone']) => ({ tone, details })

test('only what is bad rings, and being cut off rings before it', () => {
  expect(alarmOf(verdict('bad'), false)).toEqual({ mark: '⚠ 2 · ', icon: 'bad' })
  for (const tone of ['good', 'warn', 'busy', 'unknown'] as const) {
    expect(alarmOf(verdict(tone), false)).toEqual({ mark: '', icon: 'well' })
  }
  expect(alarmOf(undefined, false).icon).toBe('well')
  expect(alarmOf(verdict('bad'), true)).toEqual({ mark: '⚠ Not live · ', icon: 'lost' })
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
