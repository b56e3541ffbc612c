/** Views are shared by streams that see the same, found again without being made, and never mixed up. */
import { expect, test } from 'vitest'
import type { Scope } from '../../contract/scope.ts'
import { type Principal, scopeSet } from '../platform/principal.ts'
import { type EventFilter, parseFilter } from './event-view.ts'
import { ViewTable } from './view-table.ts'

const everything: EventFilter = { types: undefined, accounts: undefined }

function reader(scopes: Scope[], accounts: Principal['accounts'] = 'all'): Principal {
  return { id: 'reader', name: 'Reader', kind: 'api_key', userId: null, scopes: scopeSet(scopes), accounts }
}

test('principals that see the same share a view, while any of them has a stream; others have another', () => {
  const views = new ViewTable()
  const [ann, ben] = [reader(['mail:read']), reader(['mail:meta'])]
  const view = views.take(ann, everything)
  expect(views.take(ben, everything)).toBe(view)
  const ofMail =
    'mail_received,mail_changed,mail_removed,folder_changed,operation_changed,delivery_changed,proposal_changed,sync_progress'
  expect(views.take(ann, parseFilter({ types: ofMail }))).toBe(view)
  const others = [
    views.take(ann, parseFilter({ types: 'mail_received' })),
    views.take(reader(['dashboard:read']), everything),
    views.take(reader(['mail:read'], new Set(['a'])), everything),
    views.take(ann, parseFilter({ account_id: ['a', 'b'] })),
    // No account has such an id, and none is accepted.
    views.take(ann, { types: undefined, accounts: new Set(['a|b']) }),
    // An account of that name, and not all of them.
    views.take(ann, parseFilter({ account_id: 'all' })),
    views.take(ann, { types: undefined, accounts: new Set(['*']) }),
  ]
  expect(new Set([view, ...others]).size).toBe(1 + others.length)
  views.giveBack(view)
  views.giveBack(view)
  expect(views.take(ben, everything)).toBe(view)
})

test('the same question of the same principal is worked out once, whether streams are open or not', () => {
  const views = new ViewTable()
  let reads = 0
  const principal: Principal = {
    ...reader([]),
    get scopes() {
      reads++
      return scopeSet(['mail:read'])
    },
  }
  const view = views.take(principal, parseFilter({ types: 'mail_received' }))
  const readsOfOne = reads
  for (let index = 0; index < 1_000; index++) {
    expect(views.take(principal, parseFilter({ types: 'mail_received' }))).toBe(view)
    views.giveBack(view)
  }
  views.giveBack(view)
  expect(views.take(principal, parseFilter({ types: 'mail_received' }))).toBe(view)
  expect(reads).toBe(readsOfOne)
})

test('the filters of one principal are cached up to a bound, and an evicted one still matches what it names', () => {
  const views = new ViewTable()
  const principal = reader(['mail:read'])
  const take = (index: number) => views.take(principal, parseFilter({ account_id: `a${index}` }))
  const first = take(0)
  views.giveBack(first)
  for (let index = 1; index <= 256; index++) views.giveBack(take(index))
  const again = take(0)
  expect(again).not.toBe(first)
  expect(again.accounts).toEqual(['a0'])
})
