/** What an index thread does on its own, between orders. */
import { once } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { newPostgresDatabase } from '../../test/support/databases.ts'
import { plainSearch, readText } from '../../test/support/index-parts.ts'
import { folder } from '../../test/support/index-world.ts'
import { openDatabase } from '../platform/database/database.ts'
import { IndexDatabases } from './index-databases.ts'
import { listIndexedAccounts } from './indexed-accounts.ts'
import { serveIndex } from './serve-index.ts'

const postgresUrl = inject('postgresUrl')

describe.skipIf(postgresUrl === undefined)('on PostgreSQL', () => {
  test('an account that is removed while it is tidied up is not made again', async () => {
    const url = await newPostgresDatabase(postgresUrl!)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const [tidying, tidied, dropping, dropped] = Array.from({ length: 4 }, () => Promise.withResolvers<void>())
    const postgres = {
      ...plainSearch,
      tidy: async () => {
        tidying!.resolve()
        await tidied!.promise
        return true
      },
      drop: async () => {
        dropping!.resolve()
        await dropped!.promise
      },
    }
    const { port1, port2 } = new MessageChannel()
    const parts = { fullText: { sqlite: plainSearch, postgres }, readText }
    serveIndex(port1, { home: { postgresUrl: url }, isReader: false }, parts)
    let asked = 0
    const ask = (accountId: string, order: object) => {
      const number = ++asked
      const { promise, resolve } = Promise.withResolvers<unknown>()
      port2.on('message', answer => answer.number === number && resolve(answer))
      port2.postMessage({ number, accountId, order })
      return promise
    }
    await ask('one', { do: 'applyFolders', arguments: [[folder('INBOX')], 1] })
    const batch = { path: 'INBOX', uidValidity: 1, announces: false }
    expect(await ask('one', { do: 'applyBatch', arguments: [batch, 1] })).toHaveProperty('value')
    await vi.advanceTimersByTimeAsync(300)
    await tidying!.promise
    const answer = ask('one', { do: 'drop' })
    // Orders are handled one after the other.
    await ask('two', { do: 'release' })
    tidied!.resolve()
    await dropping!.promise
    const use = vi.spyOn(IndexDatabases.prototype, 'use')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(use).not.toHaveBeenCalled()
    dropped!.resolve()
    expect(await answer).toHaveProperty('value')
    port2.postMessage('close')
    await once(port2, 'close')
    const db = openDatabase(url)
    onTestFinished(() => db.destroy())
    expect(await listIndexedAccounts({ postgresUrl: url }, db)).toEqual([])
  })
})
