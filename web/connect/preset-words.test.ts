/** The preselected preset: never more than drafting, than requested, or than the user may grant. */
import { expect, test } from 'vitest'
import { scopes } from '../../contract/scope.ts'
import { presetsFor, usualPreset } from './preset-words.ts'

test('a client that asks for everything is offered drafting; one that asks for less is offered less', () => {
  expect(usualPreset(scopes, scopes)).toBe('drafter')
  expect(usualPreset(scopes, ['mail:meta', 'mail:read'])).toBe('reader')
  expect(usualPreset(scopes, ['mail:meta', 'mail:read', 'mail:organize'])).toBe('organizer')
  expect(usualPreset(scopes, ['mail:meta'])).toBe('reader')
})

test('a user gives only what they have', () => {
  expect(presetsFor(scopes)).toEqual(['reader', 'organizer', 'drafter', 'sender', 'autonomous'])
  const operator = ['dashboard:read', 'dashboard:operate', 'mail:meta', 'mail:read'] as const
  expect(presetsFor(operator)).toEqual(['reader'])
  expect(usualPreset(operator, scopes)).toBe('reader')
  expect(usualPreset(['dashboard:read'], scopes)).toBeUndefined()
})
