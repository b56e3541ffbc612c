/** What the index alone answers is of the mailbox that the account has now, and of accounts that the caller may see. */
import { expect, test } from 'vitest'
import { MessageRefs } from '../imap/message-ref.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { Signer } from '../platform/secret-box.ts'
import { IndexedMail } from './indexed-mail.ts'

const someone: Principal = { id: 'p', name: 'P', kind: 'session', userId: null, scopes: everyScope, accounts: 'all' }

/** Counts index queries. */
function mailOf(mailbox: string, { revision = '1' as string | null, isIndexed = true } = {}) {
  let opened = 0
  const index = {
    listThreads: async () => ({ threads: [], nextCursor: null }),
    messagesOfThread: async () => [],
    listContacts: async () => [],
    figures: async () => ({ modseq: 1, messages: 7, texts: 5, threads: 3, bytes: 9 }),
    listFolders: async () => [],
    messagesById: async () => [],
  }
  const mail = new IndexedMail({
    index: {
      of: () => {
        opened++
        return index as unknown as IndexOperations
      },
      drop: async () => undefined,
    },
    defaultLevel: 'text',
    hasIndex: async () => isIndexed,
    refs: new MessageRefs(new Signer(Buffer.alloc(32, 1))),
    ownerOf: async () => ({
      email: 'a@own.example',
      imapHost: 'new',
      mailbox: 'alice new',
      revision,
      indexLevel: 'text' as const,
    }),
    indexerOf: () => ({ lookedAt: null, isComplete: true, renew: () => undefined, mailbox }),
  })
  const asks = (who = someone) => [
    () => mail.listThreads(who, 'a', { limit: 10 }),
    () => mail.listContacts(who, 'a', { limit: 10 }),
    () => mail.listChanges(who, 'a', { limit: 10 }),
    () => mail.getThread(who, 'a', '1k7qz0x3v9', {}),
    () => mail.listById(who, 'a', ['mT8Zq1cW0bVx-5RkYw3E']),
  ]
  return { mail, asks, opened: () => opened }
}

test('while the index is of the mailbox before, nothing of it is told', async () => {
  const { asks, opened } = mailOf('alice old')
  for (const ask of asks()) await expect(ask()).rejects.toMatchObject({ code: 'overloaded' })
  expect(opened()).toBe(0)
  const now = mailOf('alice new')
  await expect(now.asks()[0]!()).resolves.toEqual({ items: [], next_cursor: null })
  await expect(now.asks()[3]!()).rejects.toMatchObject({ code: 'thread_not_found' })
})

test('a caller that may not see the account opens no index', async () => {
  const { asks, opened } = mailOf('alice new')
  for (const ask of asks({ ...someone, accounts: new Set(['b']) })) {
    await expect(ask()).rejects.toMatchObject({ code: 'account_not_found' })
  }
  expect(opened()).toBe(0)
})

test('an index of a disabled account answers nothing of its mail, and none is made by a question', async () => {
  const { mail, asks, opened } = mailOf('alice new', { revision: null, isIndexed: false })
  for (const ask of [...asks(), () => mail.rebuildIndex(someone, 'a')]) {
    await expect(ask()).rejects.toMatchObject({ code: 'account_disabled' })
  }
  expect(await mail.getIndex(someone, 'a')).toMatchObject({ level: 'text', messages: 0, size_bytes: 0 })
  expect(opened()).toBe(0)
  // Its use of memory is reported.
  const kept = mailOf('alice new', { revision: null })
  expect(await kept.mail.getIndex(someone, 'a')).toMatchObject({ messages: 7, size_bytes: 9 })
})
