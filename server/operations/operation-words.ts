/** Describes an operation as an item of a proposal: its effect in plain words, and the hash of exactly that. */
import { createHash } from 'node:crypto'
import type { ProposedItem } from '../platform/proposal-intake.ts'
import { fromWireFlag } from './flag-words.ts'
import type { FolderArguments } from './folder-kinds.ts'
import type { Arguments, ItemRow, OperationRow } from './operation-tables.ts'

/** The hash leaves out what differs between two calls for the same change. */
export function toProposed(
  { id, kind, account_id: accountId, arguments: args, undo_of: undoOf }: OperationRow,
  items: readonly ItemRow[],
  needsFirst: readonly string[],
): ProposedItem {
  const waiting = items.filter(({ state }) => state === 'waiting')
  const changes = waiting.map(({ path, uid_validity, uid, change }) =>
    JSON.stringify([
      path,
      uid_validity === null ? null : Number(uid_validity),
      uid === null ? null : Number(uid),
      change,
    ]),
  )
  const what = JSON.stringify([accountId, kind, args, undoOf, changes.sort()])
  const isFolder = waiting.every(({ uid }) => uid === null)
  const given = JSON.parse(args) as Arguments & Partial<FolderArguments>
  const words = isFolder ? folderWords(kind, given) : messageWords(kind, given, waiting)
  return {
    id,
    kind: 'operation',
    hash: createHash('sha256').update(what).digest('hex'),
    words: undoOf === null ? words : `Undo: ${words}`,
    needsFirst,
    messages: isFolder ? 0 : waiting.length,
    deletions: kind === 'delete' ? waiting.length : 0,
  }
}

function messageWords(
  kind: OperationRow['kind'],
  { add = [], remove = [], to }: Arguments,
  items: readonly ItemRow[],
): string {
  const count = items.length === 1 ? '1 message' : `${items.length.toLocaleString('en')} messages`
  const folders = [...new Set(items.map(({ path }) => path ?? ''))]
  const from = folders.length === 1 ? folders[0]! : `${folders.length} folders`
  const target = to ?? 'their previous folders'
  if (kind === 'move') return `Move ${count} from ${from} to ${target}`
  if (kind === 'copy') return `Copy ${count} from ${from} to ${target}`
  if (kind === 'delete') return `Delete ${count} in ${from} permanently`
  const parts = [...add.map(flag => flagWord('add', flag)), ...remove.map(flag => flagWord('remove', flag))]
  const flags = parts.length > 0 ? parts.join(', ') : 'restore flags'
  return `${flags[0]!.toUpperCase()}${flags.slice(1)}: ${count} in ${from}`
}

/** Names the change of a flag as the page does: `mark as read`, `add star`; a label by its name: `add Work`. */
function flagWord(sign: 'add' | 'remove', flag: string): string {
  const name = fromWireFlag(flag)
  if (name === 'seen') return sign === 'add' ? 'mark as read' : 'mark as unread'
  return `${sign} ${name === 'flagged' ? 'star' : name}`
}

function folderWords(kind: OperationRow['kind'], { folder = '', to, isEmptied }: Partial<FolderArguments>): string {
  if (kind === 'create_folder') return `Create the folder ${folder}`
  if (kind === 'rename_folder') return `Rename the folder ${folder} to ${to}`
  if (kind === 'delete_folder') return `Delete the folder ${folder}${isEmptied ? ' with all messages in it' : ''}`
  return kind === 'subscribe_folder' ? `Subscribe to the folder ${folder}` : `Unsubscribe from the folder ${folder}`
}
