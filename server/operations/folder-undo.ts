/** Plans the undo of a folder change from the current folders of the account. */
import type { Folder } from '../../contract/mail.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import { childrenOf, type FolderArguments, type FolderKind, isFolderKind } from './folder-kinds.ts'
import type { OperationRow } from './operation-tables.ts'
import type { PlannedUndo, Undoable } from './undo-plan.ts'

const inverse = {
  create_folder: 'delete_folder',
  rename_folder: 'rename_folder',
  subscribe_folder: 'unsubscribe_folder',
  unsubscribe_folder: 'subscribe_folder',
} as const satisfies Partial<Record<FolderKind, FolderKind>>

/** @returns Undefined when the change cannot be undone. */
export function inverseOf(operation: OperationRow): { kind: FolderKind; args: FolderArguments } | undefined {
  const { kind } = operation
  if (!isFolderKind(kind) || kind === 'delete_folder') return undefined
  const { folder, to, delimiter } = JSON.parse(operation.arguments) as FolderArguments
  const args = kind === 'rename_folder' ? { folder: to ?? folder, to: folder, delimiter } : { folder }
  return { kind: inverse[kind], args: args as FolderArguments }
}

/** @param folders All folders of the account. @param before The undos that are executed before this one. */
export async function planFolder(
  connection: MailConnection,
  folders: readonly Folder[],
  { operation, items }: Undoable,
  before: readonly PlannedUndo[],
): Promise<PlannedUndo> {
  const [item] = items
  if (!item || item.state === 'failed') return { operation, changes: [] }
  const plan = async () => {
    if (item.state === 'unknown') return impossible('It is not known what became of the folder.')
    const undo = inverseOf(operation)
    if (!undo) return impossible('The folder was deleted.')
    const { folder, to } = undo.args
    const found = folders.find(({ path }) => path === folder)
    if (undo.kind === 'delete_folder' && !found) return nothing
    if (!found) return conflict('The folder no longer exists.')
    if (undo.kind === 'rename_folder' && folders.some(({ path }) => path === to)) {
      return conflict(`Another folder ${JSON.stringify(to)} exists by now.`)
    }
    if (undo.kind !== 'delete_folder') return willChange
    if (childrenOf(folder, folders).length > 0) return conflict('It holds other folders by now.')
    const { total } = await connection.listMessages(folder, 1, undefined)
    const staying = total - leaving(before, folder)
    return staying > 0 ? conflict(`It holds ${staying} messages by now.`) : willChange
  }
  const undo = inverseOf(operation)
  const change = undo?.args.to === undefined ? {} : { to: undo.args.to }
  const inside = undo?.kind === 'rename_folder' ? childrenOf(undo.args.folder, folders).map(({ path }) => path) : []
  return { operation, changes: [{ item, place: undefined, change, ...(await plan()) }], inside }
}

/** Returns how many messages the undos take out of a folder. */
function leaving(undos: readonly PlannedUndo[], folder: string): number {
  return undos
    .filter(({ operation: { kind } }) => kind === 'move' || kind === 'copy')
    .flatMap(({ changes }) => changes)
    .filter(({ outcome, place }) => outcome === 'will_change' && place?.path === folder).length
}

const willChange = { outcome: 'will_change', why: null } as const
const nothing = { outcome: 'nothing_to_do', why: 'The folder no longer exists.' } as const
const conflict = (why: string) => ({ outcome: 'conflict', why }) as const
const impossible = (why: string) => ({ outcome: 'impossible', why }) as const
