/** Stores an account's folders as the mail server lists them (created, renamed, gone) and how far each was read. */
import type { IndexChange, IndexOwner } from './change-log.ts'
import { IndexFault } from './index-fault.ts'
import type { FolderRow } from './index-tables.ts'
import type { AppliedFolders, FactData, FolderBatch, IndexedFolder, ListedFolder } from './index-types.ts'

/** Prefix of temporary paths while folders are renamed, so that two can swap names; no server path begins with it. */
const moving = '\n'

/** Column values of a folder that has not been opened yet. */
const unread = {
  uid_validity: 0,
  uid_next: 0,
  highest_modseq: null,
  server_total: 0,
  lowest_uid: null,
  lowest_text_uid: null,
  total: 0,
  unread: 0,
  compared_at: null,
}

export async function listFolders({ db, account }: IndexOwner): Promise<FolderRow[]> {
  return db.selectFrom('folders').selectAll().where('account', '=', account).orderBy('path').execute()
}

/** @throws IndexFault `folder_not_found` */
export async function getFolder({ db, account }: IndexOwner, path: string): Promise<FolderRow> {
  const found = await db
    .selectFrom('folders')
    .selectAll()
    .where('account', '=', account)
    .where('path', '=', path)
    .executeTakeFirst()
  if (!found) throw new IndexFault('folder_not_found', 'the index does not have this folder')
  return found
}

export function toFolder(row: FolderRow): IndexedFolder {
  return {
    path: row.path,
    role: row.role,
    isSelectable: row.selectable === 1,
    mailboxId: row.mailbox_id,
    uidValidity: row.uid_validity,
    uidNext: row.uid_next,
    highestModseq: row.highest_modseq,
    total: row.total,
    unread: row.unread,
    serverTotal: row.server_total,
    lowestUid: row.lowest_uid,
    lowestTextUid: row.lowest_text_uid,
  }
}

/** Applies a complete list of folders: those that are not in it are gone. */
export async function applyFolders(change: IndexChange, listed: readonly ListedFolder[]): Promise<AppliedFolders> {
  const { db, account } = change
  const before = await listFolders(change)
  const byPath = new Map(listed.map(folder => [folder.path, folder]))
  const matches = matchFolders(before, [...byPath.values()])
  const kept = new Set(matches.values())
  const gone = before.filter(row => !kept.has(row))
  for (const row of gone) {
    await clearPlaces(change, row.id)
    await ofFolder(change, row.id).delete()
    change.announce('folder_changed', folderFact(change, row, { event: 'gone', total: 0, unread: 0 }))
  }
  const renamed = [...matches].filter(([folder, row]) => folder.path !== row.path)
  for (const [, row] of renamed) await ofFolder(change, row.id).set({ path: `${moving}${row.id}` })
  let lastId = Math.max(0, ...before.map(({ id }) => id))
  const created: string[] = []
  for (const folder of byPath.values()) {
    const row = matches.get(folder)
    const listing = {
      path: folder.path,
      role: folder.role,
      selectable: Number(folder.isSelectable),
      mailbox_id: folder.mailboxId,
    }
    if (!row) {
      lastId++
      const made = { account, id: lastId, ...listing, ...unread }
      await db.insertInto('folders').values(made).execute()
      created.push(folder.path)
      change.announce('folder_changed', folderFact(change, made, { event: 'created' }))
      continue
    }
    if (isListed(row, listing)) continue
    await ofFolder(change, row.id).set(listing)
    if (folder.path === row.path) continue
    const fact = { event: 'renamed' as const, old_path: row.path }
    change.announce('folder_changed', folderFact(change, { ...row, ...listing }, fact))
  }
  return {
    created,
    renamed: renamed.map(([folder, row]) => ({ from: row.path, to: folder.path })),
    gone: gone.map(({ path }) => path),
  }
}

type Listing = Pick<FolderRow, 'path' | 'role' | 'selectable' | 'mailbox_id'>

function isListed(row: FolderRow, listing: Listing): boolean {
  return (Object.keys(listing) as (keyof Listing)[]).every(name => row[name] === listing[name])
}

/** Matches listed folders with stored ones by MAILBOXID, then path, then status; unmatched ones are new. */
function matchFolders(before: readonly FolderRow[], listed: readonly ListedFolder[]): Map<ListedFolder, FolderRow> {
  const matches = new Map<ListedFolder, FolderRow>()
  const left = new Set(before)
  const match = (folder: ListedFolder, row: FolderRow | undefined) => {
    if (!row || !left.delete(row)) return
    matches.set(folder, row)
  }
  const byMailboxId = new Map(before.filter(row => row.mailbox_id !== null).map(row => [row.mailbox_id, row]))
  for (const folder of listed) if (folder.mailboxId !== null) match(folder, byMailboxId.get(folder.mailboxId))
  const byPath = new Map(before.map(row => [row.path, row]))
  for (const folder of listed) {
    const row = matches.has(folder) ? undefined : byPath.get(folder.path)
    // Another MAILBOXID under the same name is another folder.
    if (row && (row.mailbox_id === null || folder.mailboxId === null)) match(folder, row)
  }
  const others = listed.filter(folder => !matches.has(folder) && folder.mailboxId === null)
  for (const folder of others) {
    const same = [...left].filter(row => isRecognised(row, folder))
    const rivals = others.filter(other => same[0] && isRecognised(same[0], other))
    if (same.length === 1 && rivals.length === 1) match(folder, same[0])
  }
  return matches
}

/** Ignores UIDVALIDITY 1, which some servers give to every folder. */
function isRecognised(row: FolderRow, { status }: ListedFolder): boolean {
  if (!status || row.uid_validity <= 1 || row.server_total === 0) return false
  return status.uidValidity === row.uid_validity && status.uidNext === row.uid_next && status.total === row.server_total
}

/** Opens a folder for a batch, and clears it first if its UIDVALIDITY changed. */
export async function openFolder(
  change: IndexChange,
  { path, uidValidity }: FolderBatch,
): Promise<{ folder: FolderRow; removed: number }> {
  const row = await getFolder(change, path)
  if (row.uid_validity === uidValidity) return { folder: row, removed: 0 }
  const removed = await clearPlaces(change, row.id)
  const folder = { ...row, ...unread, uid_validity: uidValidity }
  await ofFolder(change, row.id).set({ ...unread, uid_validity: uidValidity })
  if (removed > 0) change.announce('folder_changed', folderFact(change, folder, { event: 'cleared', removed }))
  return { folder, removed }
}

/** Stores how far a folder was read and how much is in it; a no-op if nothing changed. */
export async function saveFolder(change: IndexChange, before: FolderRow, after: FolderRow): Promise<void> {
  const isSame = (Object.keys(after) as (keyof FolderRow)[]).every(name => after[name] === before[name])
  if (!isSame) await ofFolder(change, after.id).set(after)
}

export function positioned(folder: FolderRow, position: FolderBatch['position'] = {}): FolderRow {
  const { uidNext, highestModseq, serverTotal, lowestUid, lowestTextUid } = position
  return {
    ...folder,
    uid_next: uidNext ?? folder.uid_next,
    highest_modseq: highestModseq === undefined ? folder.highest_modseq : highestModseq,
    server_total: serverTotal ?? folder.server_total,
    lowest_uid: lowestUid === undefined ? folder.lowest_uid : lowestUid,
    lowest_text_uid: lowestTextUid === undefined ? folder.lowest_text_uid : lowestTextUid,
  }
}

type FolderFact = FactData['folder_changed']

export function folderFact(
  change: IndexChange,
  { path, total, unread }: Pick<FolderRow, 'path' | 'total' | 'unread'>,
  fact: Pick<FolderFact, 'event'> & Partial<FolderFact>,
): FolderFact {
  return { path, added: 0, changed: 0, removed: 0, total, unread, modseq: change.state.modseq, ...fact }
}

/** Removes all places of a folder, which may orphan their messages. Returns how many there were. */
async function clearPlaces(change: IndexChange, folder: number): Promise<number> {
  const { db, account } = change
  const removed = await db
    .deleteFrom('places')
    .where('account', '=', account)
    .where('folder', '=', folder)
    .returning('message')
    .execute()
  for (const { message } of removed) change.touch(message)
  return removed.length
}

function ofFolder({ db, account }: IndexChange, id: number) {
  return {
    set: (values: Partial<FolderRow>) =>
      db.updateTable('folders').set(values).where('account', '=', account).where('id', '=', id).execute(),
    delete: () => db.deleteFrom('folders').where('account', '=', account).where('id', '=', id).execute(),
  }
}
