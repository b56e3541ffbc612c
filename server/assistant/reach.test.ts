/** What a tool result shows needs the rights by which it was found, those of its tool included. */
import { expect, test } from 'vitest'
import { type Scope, withIncluded } from '../../contract/scope.ts'
import { isInReach, isLimited, needsOf } from './reach.ts'

const reach = (scopes: readonly Scope[], accounts: 'all' | string[] = ['ann']) => ({
  scopes: new Set(scopes.flatMap(withIncluded)),
  accounts: accounts === 'all' ? accounts : new Set(accounts),
})

test('results about drafts and the outbox are shown only with the right to see these, other mail with fewer', () => {
  const sender = reach(['mail:send'])
  const [found, submitted] = [needsOf(sender, ['ann'], 'mail:meta'), needsOf(sender, ['ann'], 'mail:draft')]
  expect([found, submitted].map(needs => isInReach(needs, reach(['mail:read'])))).toEqual([true, false])
  expect([found, submitted].map(needs => isInReach(needs, reach(['mail:draft'])))).toEqual([true, true])
  expect(isInReach(submitted, reach(['mail:send'], ['bob']))).toBe(false)
  // A search would reveal the rest word by word.
  expect(isLimited(reach(['mail:read', 'dashboard:admin'], 'all'))).toBe(true)
})

test('figures need the dashboard’s rights that there were, and no right to mail', () => {
  const needs = needsOf(reach(['mail:send', 'dashboard:operate'], 'all'), undefined, 'dashboard:read')
  expect(needs).toEqual({ accounts: 'all', scopes: ['dashboard:read'] })
})
