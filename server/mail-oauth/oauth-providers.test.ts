/** Clients at providers: two that are set at the same time are both known. */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { administrator } from '../../test/support/administrator.ts'
import type { EventHub } from '../events/event-hub.ts'
import { SecretBox } from '../platform/secret-box.ts'
import { OAuthProviders } from './oauth-providers.ts'

test('two clients that are set at the same time are both known, and stay so without a restart', async () => {
  const hub = {
    transact: async (work: (...given: never[]) => unknown) => work(undefined as never, (() => {}) as never),
  }
  const providers = new OAuthProviders({
    store: {
      listClients: async () => [],
      putClient: async () => undefined,
      deleteClient: async () => undefined,
      countAccounts: async () => new Map(),
    },
    server: { look: () => Promise.reject(new Error('nobody is asked')), forget: () => undefined },
    config: { google: undefined, microsoft: undefined },
    secrets: new SecretBox(randomBytes(32)),
    hub: hub as unknown as Pick<EventHub, 'transact'>,
    baseUrl: () => 'https://mail.example.org',
    now: Date.now,
  })
  await providers.start()
  const set = (id: string) => providers.set(administrator(), id, { client_id: `of ${id}`, client_secret: 'canary' })
  await Promise.all([set('google'), set('microsoft')])
  expect(['google', 'microsoft'].map(id => providers.isReady(id))).toEqual([true, true])
})
