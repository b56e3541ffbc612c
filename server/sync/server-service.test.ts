/** What is shown of mail servers is what they said, in the words of the contract. */
import { expect, test } from 'vitest'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { ServerService } from './server-service.ts'
import type { ServerRow } from './server-store.ts'

const at = '2026-11-28T12:00:00.000Z'
const nothing: ServerRow = {
  account_id: 'a',
  imap_offers: null,
  imap_at: null,
  connection_limit: null,
  limit_wait_ms: null,
  limit_at: null,
  smtp_offers: null,
  smtp_at: null,
  quota: null,
  quota_at: null,
  quota_level: 'ok',
}
const ann = {} as Principal

function serviceOf(row: Partial<ServerRow> | undefined, smtp: object | null = {}) {
  const get = async (_principal: Principal, id: string) => {
    if (id !== 'a') throw new Problem('account_not_found', 'There is no such account.')
    return { id, smtp } as never
  }
  return new ServerService({ find: () => row && { ...nothing, ...row } }, { get })
}

test('unknown values are null, and an invisible account is not found', async () => {
  const unknown = { imap: null, smtp: null, quota: null }
  expect(await serviceOf(undefined).get(ann, 'a')).toEqual(unknown)
  expect(await serviceOf({}).get(ann, 'a')).toEqual(unknown)
  await expect(serviceOf({}).get(ann, 'b')).rejects.toMatchObject({ code: 'account_not_found' })
})

test('words of servers become capabilities and limits; a limit of 0, or none, is no limit', async () => {
  const imap_offers = JSON.stringify(['IDLE', 'QRESYNC', 'X-GM-EXT-1', 'QUOTA=RES-STORAGE', 'APPENDLIMIT=1000'])
  const smtp_offers = JSON.stringify(['SIZE 2000', '8BITMIME', 'DSN'])
  const known = { imap_offers, imap_at: at, smtp_offers, smtp_at: at, connection_limit: 3, limit_at: at }
  const servers = await serviceOf(known).get(ann, 'a')
  expect(servers.imap).toEqual({
    capabilities: {
      ...{ idle: true, condstore: true, qresync: true, object_ids: true, quota: true },
      ...{ move: false, uidplus: false, special_use: false, list_status: false, utf8: false },
    },
    append_limit_bytes: 1_000,
    connection_limit: { connections: 3, at },
    at,
  })
  expect(servers.smtp).toEqual({
    capabilities: { size: true, eight_bit_mime: true, delivery_reports: true, smtputf8: false, pipelining: false },
    size_limit_bytes: 2_000,
    at,
  })
  expect(serviceOf(known).sizeLimitOf('a')).toBe(2_000)
  expect((await serviceOf(known, null).get(ann, 'a')).smtp).toBeNull()
  for (const words of ['SIZE 0', 'SIZE', 'SIZE 1e9', '8BITMIME']) {
    expect(serviceOf({ smtp_offers: JSON.stringify([words]), smtp_at: at }).sizeLimitOf('a')).toBeUndefined()
  }
})
