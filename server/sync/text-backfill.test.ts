/** Order in which texts are fetched: each message once, newest first, with failures and arrivals in between. */
import { expect, test } from 'vitest'
import type { MailConnection } from '../imap/mail-gateway.ts'
import type { FolderBatch, IndexFigures } from '../index/index-types.ts'
import { TextBackfill } from './text-backfill.ts'

/** Builds a mailbox of `count` messages in two folders; their numbers are their UIDs. */
function mailbox(count: number) {
  const missing = new Set(Array.from({ length: count }, (_, index) => index + 1))
  const written: number[] = []
  const asked: number[] = []
  const silent = new Set<number>()
  let failures = 0
  const changes = {
    async listTexts(_path: string, uids: readonly number[]) {
      if (failures > 0 && failures-- > 0) throw new Error('the connection broke')
      return {
        uidValidity: 1,
        texts: uids.filter(uid => !silent.has(uid)).map(uid => ({ uid, parts: [] })),
        memory: [],
      }
    },
  } as unknown as MailConnection['changes']
  const texts = new TextBackfill({
    index: {
      async listWithoutText(limit: number, below = Number.MAX_SAFE_INTEGER) {
        asked.push(limit)
        const found = [...missing].sort((one, other) => other - one).filter(uid => uid < below)
        const path = (uid: number) => (uid % 7 === 0 ? 'Archive' : 'INBOX')
        return found
          .slice(0, limit)
          .map(uid => ({ message: uid, path: path(uid), uidValidity: 1, uid, sizeBytes: 1_000 }))
      },
      figures: async () => ({ messages: count, texts: written.length }) as IndexFigures,
    },
    async apply({ texts: found = [] }: FolderBatch) {
      for (const { uid } of found) {
        written.push(uid)
        missing.delete(uid)
      }
    },
    ask: work => work({ changes } as unknown as MailConnection),
    tell: () => undefined,
  })
  const finish = async () => {
    while (await texts.step(true, true)) if (written.length > 2 * count) throw new Error('texts are fetched again')
  }
  return { texts, missing, written, asked, silent, finish, failNext: () => void failures++ }
}

test('each text is fetched once, the newest first, and each message is listed about once', async () => {
  const { missing, written, asked, finish } = mailbox(3_000)
  await finish()
  expect(missing.size).toBe(0)
  expect(written).toHaveLength(3_000)
  expect(written[0]).toBe(3_000)
  expect(Math.min(...written.slice(0, 1_000))).toBeGreaterThan(1_500)
  expect(asked.length).toBeLessThan(16)
})

test('a step that fails, and messages that come meanwhile, are not forgotten', async () => {
  const { texts, missing, written, finish, failNext } = mailbox(2_000)
  await texts.step(true, true)
  failNext()
  await texts.step(true, true)
  await expect(texts.step(true, true)).rejects.toThrow('broke')
  missing.add(2_001)
  await finish()
  expect(missing.size).toBe(0)
  expect(new Set(written).size).toBe(2_001)
})

test('messages that came are the next ones as soon as folders were compared', async () => {
  const { texts, missing, written } = mailbox(2_000)
  await texts.step(true, true)
  missing.add(2_001)
  await texts.forgetAhead()
  const before = written.length
  await texts.step(true, true)
  expect(written[before]).toBe(2_001)
})

test('more messages without a text than are listed at once keep none of the others from theirs', async () => {
  const { texts, missing, silent, finish } = mailbox(1_500)
  for (let uid = 1_500; uid > 800; uid--) silent.add(uid)
  await finish()
  expect([...missing].every(uid => silent.has(uid))).toBe(true)
  await texts.forgetAhead()
  missing.add(700)
  await finish()
  expect(missing.has(700)).toBe(false)
})
