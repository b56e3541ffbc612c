/** An export holds what an import takes: more is refused, and not written into a file that nothing can read. */
import { expect, test } from 'vitest'
import { AccountsFile } from '../../contract/account-moving.ts'
import type { Principal } from '../platform/principal.ts'
import { MovingService } from './moving-service.ts'

const cost = { memory_kib: 8_192, passes: 1, parallelism: 1 }

const moved = (user: string) => ({
  ...{ name: user, email: `${user}@example.org`, enabled: true, smtp: null, index_level: null, oauth_provider: null },
  imap: { host: 'mail.example.org', port: 993, tls: 'implicit' as const, user, password: 'secret' },
  ...{ watched_folders: [], look_interval_seconds: 60 },
})

function exported(count: number, part: unknown) {
  const listed = Array.from({ length: count }, (_, id) => ({ id: `a${id}`, account: moved(`u${id}`) }))
  const mover = { list: async () => listed, create: async () => '' }
  const parts = [{ name: 'identity', read: async () => part, write: async () => undefined }]
  const moving = new MovingService({ mover, parts, cost: { cost }, signedInAt: async () => Date.now() })
  return moving.export({} as Principal, 'nine green doors')
}

test('what no server would take in again is not given out', async () => {
  await expect(exported(1_001, undefined)).rejects.toMatchObject({
    code: 'too_large',
    message: expect.stringContaining('1001 accounts'),
  })
  await expect(exported(1, 'x'.repeat(7 * 2 ** 20))).rejects.toMatchObject({
    code: 'too_large',
    message: expect.stringContaining('8 MiB'),
  })
  expect(AccountsFile.parse(await exported(1_000, { content: 'x'.repeat(4_000) }))).toMatchObject({ accounts: 1_000 })
})
