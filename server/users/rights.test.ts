/** Roles give what decision 8 says, and nothing is given that one does not have. */
import { expect, test } from 'vitest'
import { everyScope, scopeSet } from '../platform/principal.ts'
import { hasRights, rightsOf } from './rights.ts'

const some = JSON.stringify(['a', 'b'])

test('a viewer looks, an operator acts and reads mail, an administrator does everything everywhere', () => {
  const scopes = (role: string) => [...rightsOf({ role, accounts: some }).scopes].sort()
  expect(scopes('viewer')).toEqual(['dashboard:read'])
  expect(scopes('operator')).toEqual(['dashboard:operate', 'dashboard:read', 'mail:meta', 'mail:read'])
  expect(scopes('administrator')).toEqual([...everyScope].sort())
  expect(rightsOf({ role: 'viewer', accounts: some }).accounts).toEqual(new Set(['a', 'b']))
  expect(rightsOf({ role: 'viewer', accounts: '[]' }).accounts).toEqual(new Set())
  expect(rightsOf({ role: 'operator', accounts: '"all"' }).accounts).toBe('all')
  expect(rightsOf({ role: 'administrator', accounts: '[]' }).accounts).toBe('all')
})

test('a malformed row gives no rights at all', () => {
  for (const accounts of ['', 'all', 'null', '"everything"', '{"a":1}', '[1]']) {
    expect(() => rightsOf({ role: 'viewer', accounts }), accounts).toThrow()
  }
  expect(() => rightsOf({ role: 'root', accounts: '[]' })).toThrow()
})

test('rights are within others only when every scope and every account is', () => {
  const operator = rightsOf({ role: 'operator', accounts: some })
  const viewer = (accounts: string) => rightsOf({ role: 'viewer', accounts })
  expect(hasRights(operator, operator)).toBe(true)
  expect(hasRights(operator, viewer('["b"]'))).toBe(true)
  expect(hasRights(operator, viewer('["b","c"]'))).toBe(false)
  expect(hasRights(operator, viewer('"all"'))).toBe(false)
  expect(hasRights(viewer('"all"'), viewer(some))).toBe(true)
  expect(hasRights(viewer('"all"'), operator)).toBe(false)
  expect(hasRights({ scopes: scopeSet(['dashboard:admin']), accounts: 'all' }, operator)).toBe(false)
})
