/** What waits in the database: webhooks that fail, as a whole or for one account, and notices. */
import { expect, test } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { LateStore } from './late-store.ts'

onEachDatabase(open => {
  test('webhooks whose next event failed and notices that are not delivered are counted', async () => {
    const db = await open()
    const endpoint = (id: string, change: object = {}) => ({
      ...{ id, kind: 'program', principal_kind: 'token', principal_id: 't', user_id: null, url: 'https://x.example/' },
      ...{ secret_sealed: '', previous_sealed: null, previous_until: null, settings: '{}', place: 1, failures: 0 },
      ...{ created_at: '2026', verified_at: '2026', expires_at: null, failing_since: null, next_try_at: null },
      ...{ last_success_at: null, last_fault: null, ending: null },
      ...change,
    })
    const rows = [
      endpoint('fine'),
      endpoint('failing', { failing_since: '2026', failures: 2 }),
      endpoint('for-one-account'),
      endpoint('disabled', { failing_since: '2026', ending: '{}' }),
    ]
    await db
      .insertInto('webhook_endpoints')
      .values(rows as never)
      .execute()
    const fares = { place: 1, failing_since: '2026', failures: 1, next_try_at: null, last_success_at: null }
    const backlog = { endpoint_id: 'for-one-account', account_id: 'a', ...fares, last_fault: 'http_5xx' }
    await db.insertInto('webhook_backlogs').values(backlog).execute()
    const notice = { id: 'n', notifier_id: 'x', content: '{}', created_at: 1, attempts: 1, next_try_at: 1 }
    await db
      .insertInto('notices')
      .values({ ...notice, is_refused: 0, is_handed_over: 0 })
      .execute()
    const { queues } = await new LateStore(db).read(Date.now())
    expect([queues.get('webhooks'), queues.get('notices'), queues.get('outbox')]).toEqual([2, 1, 0])
  })
})
