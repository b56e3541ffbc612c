/**
 * Brings the copy of one draft in its account's mailbox to the wanted state: the new one is appended first, then older
 * ones are removed. The Message-ID is committed before APPEND: after a lost response the folder is searched for it, so
 * nothing is appended twice.
 */

import type { Blobs } from '../blobs/blobs.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import type { Database } from '../platform/database/database.ts'
import { Problem } from '../platform/problem.ts'
import type { DraftComposer } from './draft-composer.ts'
import type { DraftCopyStore } from './draft-copy-store.ts'
import type { DraftStore } from './draft-store.ts'
import type { DraftCopyRow } from './draft-tables.ts'

export interface DraftCopyOptions {
  store: DraftStore
  copies: DraftCopyStore
  composer: Pick<DraftComposer, 'composeRow'>
  blobs: Pick<Blobs, 'read'>
  pool: Pick<ConnectionPool, 'run' | 'runOnce'>
  /** Returns the address of the account. */
  emailOf(accountId: string): Promise<string>
  /** Runs in a transaction that is rolled back if another process has taken over. */
  commit(work: (transaction: Database) => Promise<void>): Promise<void>
  /** Called when something changed in a folder of an account. */
  notice(accountId: string, path: string): void
}

/** Larger drafts are not copied: APPEND takes a message whole. */
export const mostCopiedBytes = 16 * 1024 * 1024
/** Newest messages of the folder that are searched for a copy. */
const mostSearched = 1_000
const headersAtOnce = 200
const maxUid = 2 ** 32 - 1

/** There is no copy, although the mail server did nothing wrong. */
export class NoCopy extends Error {
  readonly state: 'none' | 'failed'

  constructor(state: 'none' | 'failed', why: string) {
    super(why)
    this.state = state
  }
}

/** @throws Problem, UnknownOutcome: callers retry later. @throws NoCopy */
export async function bringCopy(row: DraftCopyRow, options: DraftCopyOptions, signal: AbortSignal): Promise<void> {
  const { store, copies, commit } = options
  const draft = row.wanted_rev === null ? undefined : await store.find(row.draft_id)
  if (!draft) {
    await removeCopies(row, idsOf(row), options, signal)
    return commit(async transaction => {
      await copies.note(transaction, row.draft_id, { wanted_rev: null })
      await copies.forget(transaction, row.draft_id)
    })
  }
  // The draft changed in the meantime: its new revision becomes due later.
  if (draft.rev !== row.wanted_rev) return
  const saved = await saveCopy(row, draft, options, signal)
  const older = idsOf(row).filter(id => id !== saved.messageId)
  await removeCopies({ ...row, path: saved.path }, older, options, signal)
  await commit(transaction =>
    copies.settle(transaction, row, {
      state: 'saved',
      message_ids: JSON.stringify([saved.messageId]),
      ...{ why: null, attempts: 0 },
    }),
  )
}

async function saveCopy(
  row: DraftCopyRow,
  draft: NonNullable<Awaited<ReturnType<DraftStore['find']>>>,
  { copies, composer, blobs, pool, emailOf, commit, notice }: DraftCopyOptions,
  signal: AbortSignal,
): Promise<{ path: string; messageId: string }> {
  const { account_id: accountId, draft_id: draftId } = row
  const folders = await pool.run(accountId, 'background', connection => connection.listFolders(false), signal)
  const folder = folders.find(({ role, selectable }) => role === 'drafts' && selectable)
  if (!folder) throw new NoCopy('none', 'The account has no Drafts folder.')
  const { path } = folder
  const by = { email: await emailOf(accountId), requester: `drafts-${accountId}` }
  const { messageId, blobId, sizeBytes } = await composer.composeRow(draft, by, signal)
  if (sizeBytes > mostCopiedBytes) {
    throw new NoCopy('failed', 'The draft is larger than 16 MiB, so there is no copy of it in the mailbox.')
  }
  const known = idsOf(row)
  const mayBeThere = known.includes(messageId)
  if (!mayBeThere) {
    await commit(transaction =>
      copies.note(transaction, draftId, { path, message_ids: JSON.stringify([...known, messageId]) }),
    )
  }
  const found = mayBeThere ? await findCopies(pool, accountId, path, [messageId], signal) : undefined
  const [uid] = found?.uids ?? []
  let place = found && uid !== undefined ? { uidValidity: found.uidValidity, uid } : undefined
  if (!place) {
    const bytes = await wholeOf(blobs.read(blobId))
    const given = { flags: ['\\Draft', '\\Seen'], date: new Date(draft.updated_at) }
    place = await pool.runOnce(accountId, 'background', writer => writer.append(path, bytes, given), signal)
    notice(accountId, path)
  }
  const saved = { path, uid_validity: place?.uidValidity ?? null, uid: place?.uid ?? null, saved_rev: draft.rev }
  await commit(transaction => copies.note(transaction, draftId, saved))
  return { path, messageId }
}

/** Removes the copies that exist. A server that cannot expunge single messages gets them flagged as deleted. */
async function removeCopies(
  { account_id: accountId, path }: Pick<DraftCopyRow, 'account_id' | 'path'>,
  messageIds: readonly string[],
  { pool, notice }: DraftCopyOptions,
  signal: AbortSignal,
): Promise<void> {
  if (path === null || messageIds.length === 0) return
  const found = await findCopies(pool, accountId, path, messageIds, signal)
  if (!found || found.uids.length === 0) return
  const target = { path, ...found }
  try {
    await pool.runOnce(accountId, 'background', writer => writer.expunge(target), signal)
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'mail_server_refused') throw error
    const mark = ['\\Deleted']
    await pool.runOnce(accountId, 'background', writer => writer.setFlags(target, 'add', mark), signal)
  }
  notice(accountId, path)
}

/** Finds copies by Message-ID; undefined if the folder no longer exists. */
async function findCopies(
  pool: DraftCopyOptions['pool'],
  accountId: string,
  path: string,
  messageIds: readonly string[],
  signal: AbortSignal,
): Promise<{ uidValidity: number; uids: number[] } | undefined> {
  const wanted = new Set(messageIds)
  const look = async ({ changes }: MailConnection) => {
    const uids: number[] = []
    let uidValidity = 0
    for (let to = maxUid, looked = 0; looked < mostSearched; ) {
      const page = await changes.listHeaders(path, [1, to], headersAtOnce, 'newest')
      uidValidity = page.uidValidity
      uids.push(...page.headers.flatMap(({ uid, messageId }) => (wanted.has(messageId ?? '') ? [uid] : [])))
      looked += page.headers.length
      const last = Math.min(...page.headers.map(({ uid }) => uid))
      if (!page.hasMore || page.headers.length === 0 || last <= 1) break
      to = last - 1
    }
    return { uidValidity, uids: uids.toSorted((one, other) => one - other) }
  }
  try {
    return await pool.run(accountId, 'background', look, signal, path)
  } catch (error) {
    if (error instanceof Problem && error.code === 'folder_not_found') return undefined
    throw error
  }
}

function idsOf({ message_ids }: Pick<DraftCopyRow, 'message_ids'>): string[] {
  return JSON.parse(message_ids) as string[]
}

async function wholeOf(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of source) pieces.push(piece)
  return Buffer.concat(pieces)
}
