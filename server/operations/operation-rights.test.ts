/** Who sees and undoes an operation: the caller that asked for it, and operators that are no tokens. */
import { expect, test } from 'vitest'
import { principalOf } from '../../test/support/operation-world.ts'
import { type Principal, scopeSet } from '../platform/principal.ts'
import { isOwn, maySee, refuseUndo, sightOf } from './operation-rights.ts'

const organizer = scopeSet(['mail:organize'])
const session = (id: string, userId: string | null, scopes = organizer) =>
  principalOf(id, { kind: 'session', userId, scopes })
const token = principalOf('token-1', { userId: 'ann', scopes: organizer })
const askedBy = ({ id, kind, userId }: Principal) => ({
  account_id: 'a',
  principal_id: id,
  principal_kind: kind,
  user_id: userId,
})
const ann = session('session-1', 'ann')

test('all sessions of a user have the same operations; each of the user’s tokens has its own', () => {
  const annElsewhere = session('session-2', 'ann')
  const ben = session('session-3', 'ben')
  const other = principalOf('token-2', { userId: 'ann', scopes: organizer })
  const owners = (asked: Principal) =>
    [ann, annElsewhere, ben, token, other].filter(each => isOwn(each, askedBy(asked)))
  expect(owners(ann)).toEqual([ann, annElsewhere])
  expect(owners(token)).toEqual([token])
  expect(owners(ben)).toEqual([ben])
})

test('sessions without a user share nothing', () => {
  const nobody = session('session-4', null)
  expect(isOwn(session('session-5', null), askedBy(nobody))).toBe(false)
  expect(sightOf(nobody)).toEqual({ principalId: 'session-4' })
})

test('others’ operations are for operators that are no tokens, in accounts that they see', () => {
  const operates = scopeSet(['dashboard:operate'])
  const operator = session('session-6', 'eve', operates)
  const key = principalOf('api-key', { kind: 'api_key', scopes: operates })
  const strongToken = principalOf('token-3', { userId: 'eve', scopes: operates })
  const asked = askedBy(token)
  expect([ann, operator, key, strongToken].map(each => maySee(each, asked))).toEqual([false, true, true, false])
  expect(maySee({ ...operator, accounts: new Set(['b']) }, asked)).toBe(false)
  expect([operator, key, strongToken, ann].map(sightOf)).toEqual([
    ...[{}, {}],
    ...[{ principalId: 'token-3' }, { userId: 'ann' }],
  ])
  const undo =
    (principal: Principal, what = asked) =>
    () =>
      refuseUndo(principal, what)
  expect(undo(operator)).not.toThrow()
  expect(undo(token)).not.toThrow()
  expect(undo(strongToken)).toThrow(expect.objectContaining({ code: 'forbidden' }))
  // A scope to change mail is none to undo what others changed.
  const neighbour = principalOf('token-4', { userId: 'ann', scopes: organizer })
  expect(undo(neighbour)).toThrow(expect.objectContaining({ extension: { missing_scope: 'dashboard:operate' } }))
  expect(undo(operator, askedBy(operator))).not.toThrow()
  // What a token did itself it undoes only as long as it may change mail.
  expect(undo({ ...token, scopes: scopeSet(['mail:read']) })).toThrow(expect.objectContaining({ code: 'forbidden' }))
})
