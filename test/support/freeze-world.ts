/** Freezes on a real database, for principals of each kind, and what they stop. */
import { expect, onTestFinished } from 'vitest'
import { FreezeService } from '../../server/freezes/freeze-service.ts'
import { FreezeStore } from '../../server/freezes/freeze-store.ts'
import type { Database } from '../../server/platform/database/database.ts'
import type { Operation } from '../../server/platform/guard.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { type Principal, scopeSet } from '../../server/platform/principal.ts'
import { startHub } from './event-hub.ts'

const scopes = scopeSet(['mail:send', 'dashboard:admin'])
export const admin: Principal = {
  id: 'session-1',
  name: 'Ada',
  kind: 'session',
  userId: 'ada',
  scopes,
  accounts: 'all',
}
export const owner: Principal = {
  ...admin,
  id: 'session-2',
  name: 'Ben',
  userId: 'ben',
  scopes: scopeSet(['mail:send']),
}
const tokenOf = (id: string, accounts: string[] = ['a', 'b']): Principal => ({
  ...{ id: `token-${id}`, name: id, kind: 'token', userId: 'ben', scopes, accounts: new Set(accounts) },
})
export const bot = tokenOf('bot')
export const other = tokenOf('other', ['b'])
export const key: Principal = { ...admin, id: 'api-key', name: 'API key', kind: 'api_key', userId: null }
export const read = { name: 'mail.listMessages', scope: 'mail:meta', effect: 'read' } as const
export const search = { name: 'mailSearch.searchMail', scope: 'mail:meta', effect: 'read' } as const
export const move = { name: 'operations.changeMessages', scope: 'mail:organize', effect: 'write' } as const
export const setUp = { name: 'accounts.updateAccount', scope: 'dashboard:admin', effect: 'write' } as const

export async function serviceOn(db?: Database, store?: FreezeStore) {
  const hub = await startHub(db)
  const start = async () => {
    const freezes = new FreezeService({
      store: store ?? new FreezeStore(hub.db),
      hub: hub.hub,
      ownerOf: async id => ({ bot: 'ben', other: 'ben' })[id],
      accountIds: async () => new Set(['a', 'b']),
      now: Date.now,
      logger: createLogger('silent'),
    })
    await freezes.start()
    onTestFinished(() => freezes.stop())
    return freezes
  }
  return { freezes: await start(), start, ...hub }
}

export function stops(freezes: FreezeService, principal: Principal, operation: Operation, accountId?: string) {
  try {
    freezes.stops.check(principal, operation, accountId)
    if (accountId === undefined) freezes.stops.checkAll(principal, operation)
    return false
  } catch (error) {
    expect(error).toMatchObject({ code: 'frozen', status: 403 })
    return true
  }
}
