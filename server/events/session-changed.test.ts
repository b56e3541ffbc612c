/** A user whose rights change is notified on their own streams, whatever their role, and no one else is. */
import { expect, test } from 'vitest'
import type { Scope } from '../../contract/scope.ts'
import { hubOnHttp } from '../../test/support/hub-on-http.ts'
import { type Principal, scopeSet } from '../platform/principal.ts'

function viewer(id: string, change: { accounts?: string[]; scopes?: Scope[]; name?: string } = {}): Principal {
  const { accounts = ['a'], scopes = ['dashboard:read'], name = 'Ann' } = change
  return { id, name, kind: 'session', userId: 'ann', scopes: scopeSet(scopes), accounts: new Set(accounts) }
}

test('one’s own open streams hear once of each change of scopes, accounts and name, and those of others do not', async () => {
  const { hub, open, as } = await hubOnHttp()
  as(viewer('session-1'))
  const own = await open('types=mail_received')
  const second = await open()
  as(viewer('session-2'))
  const other = await open()
  for (const stream of [own, second, other]) await stream.next('welcome')
  const changes = [
    viewer('session-1', { accounts: ['a', 'b'] }),
    // Changes nothing of what its events are.
    viewer('session-1', { accounts: ['a', 'b'], scopes: ['dashboard:operate'] }),
    viewer('session-1', { accounts: ['b', 'a'], scopes: ['dashboard:operate'] }),
    viewer('session-1', { accounts: ['b', 'a'], scopes: ['dashboard:operate'], name: 'Ann B.' }),
    viewer('session-1', { accounts: ['c', 'a'], scopes: ['dashboard:operate'], name: 'Ann B.' }),
  ]
  const heard = () =>
    [own, second, other].map(({ events }) => events.filter(({ event }) => event === 'session_changed'))
  for (const [index, principal] of changes.entries()) {
    hub.changePrincipal(principal)
    // The third lists the same in another order.
    const count = index < 2 ? index + 1 : index
    await expect.poll(() => heard().map(({ length }) => length)).toEqual([count, count, 0])
  }
  const [told] = heard().flat()
  expect(told).toMatchObject({ data: { server_time: expect.any(String) } })
  expect(told?.id).toBeUndefined()
})

test('it comes behind the welcome, also when rights change while what was missed is counted', async () => {
  const { hub, log, open, as, heard, publish } = await hubOnHttp({ heldInMemory: 1 })
  const mail = (uid: number) => {
    const data = { account_id: 'a', folder: 'INBOX', uid, uid_validity: 1, at: new Date().toISOString() }
    return { type: 'mail_received', data } as const
  }
  await publish(mail(1), mail(2), mail(3))
  as(viewer('session-1', { scopes: ['mail:meta'] }))
  heard.opened = () => hub.changePrincipal(viewer('session-1', { scopes: ['mail:read'] }))
  const stream = await open('', log.idOf(0))
  await stream.next('welcome')
  hub.changePrincipal(viewer('session-1', { scopes: ['mail:meta'] }))
  await stream.next('session_changed')
  expect(stream.events[0]?.event).toBe('welcome')
})
