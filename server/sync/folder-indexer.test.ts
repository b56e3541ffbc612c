/** What is known of a folder after looks at it between which mail came. */
import { expect, test } from 'vitest'
import type { MailConnection } from '../imap/mail-gateway.ts'
import { AccountExpectations } from '../index/expected-changes.ts'
import type { FolderBatch, IndexedFolder } from '../index/index-types.ts'
import { FolderIndexer } from './folder-indexer.ts'
import { KnownArrivals } from './known-arrivals.ts'

const folder: IndexedFolder = {
  ...{ path: 'INBOX', role: 'inbox', isSelectable: true, mailboxId: null },
  ...{ uidValidity: 7, uidNext: 3, highestModseq: '20', total: 2, unread: 2 },
  ...{ serverTotal: 1, lowestUid: 1, lowestTextUid: null },
}

test('mail that came while a folder was compared counts among that of its server after the next look', async () => {
  const written: FolderBatch[] = []
  const apply = async (batch: FolderBatch) => {
    written.push(batch)
    return { added: [], unplaced: [], changed: 0, removed: 0, modseq: 1 }
  }
  const indexer = new FolderIndexer({
    ...{ apply, applyOlder: async batch => void (await apply(batch)), listUidRanges: async () => [] },
    ...{ expected: new AccountExpectations(), arrivals: new KnownArrivals(), miss: () => undefined },
    ask: async (_work: (connection: MailConnection) => Promise<never>) => expect.unreachable(),
  })
  // The previous look had polled the status before that mail arrived, and then read it with the changes.
  const status = { uidValidity: 7, uidNext: 3, modseq: 20n, total: 2 }
  expect(await indexer.catchUp(folder, status, false, 0)).toBe(true)
  expect(written).toEqual([{ path: 'INBOX', uidValidity: 7, position: { serverTotal: 2 }, announces: false }])
  expect(await indexer.catchUp({ ...folder, serverTotal: 2 }, status, false, 0)).toBe(true)
  expect(written).toHaveLength(1)
})
