/** Applies requested changes to a folder's messages in the index; a no-op if the folder was recreated since. */
import type { IndexChange } from './change-log.ts'
import { listFolders } from './folder-index.ts'
import { applyBatch, type BatchWriter } from './index-batch.ts'
import type { ExpectedBatch, UidSpan } from './index-types.ts'
import { toFlags, withFlags } from './message-flags.ts'
import { findPlaces } from './place-index.ts'

export async function applyExpected(
  change: IndexChange,
  { path, uidValidity, leaving, flags }: ExpectedBatch,
  writer: BatchWriter,
): Promise<void> {
  const folder = (await listFolders(change)).find(row => row.path === path && row.uid_validity === uidValidity)
  if (!folder) return
  const uids = [...new Set(flags.flatMap(group => group.uids))]
  const places = await findPlaces(change, folder.id, uids)
  const now = new Map([...places].map(([uid, place]) => [uid, toFlags(place)]))
  for (const group of flags) {
    for (const uid of group.uids) {
      const before = now.get(uid)
      if (before) now.set(uid, withFlags(before, group.add, group.remove))
    }
  }
  const changed = [...now].map(([uid, after]) => ({ uid, flags: after }))
  const vanished = leaving.map((uid): UidSpan => [uid, uid])
  await applyBatch(change, { path, uidValidity, changed, vanished, announces: false }, writer)
}
