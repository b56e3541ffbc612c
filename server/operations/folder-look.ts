/** Checks a folder before it is changed, and determines after a lost response whether it was changed. */
import type { Folder } from '../../contract/mail.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import { Problem } from '../platform/problem.ts'
import { checkOwn, childrenOf, exists, type FolderArguments, type FolderKind, findFolder } from './folder-kinds.ts'
import type { Values } from './source-messages.ts'

export interface FolderRequest {
  kind: FolderKind
  args: FolderArguments
  isUndo: boolean
  /** Whether the command was already sent: a folder that is as wanted counts as changed by it. */
  isSent: boolean
}

export async function lookAtFolder(
  connection: MailConnection,
  { kind, args: { folder: path, to = '', isEmptied = false }, isUndo, isSent }: FolderRequest,
): Promise<Values> {
  const folders = await connection.listFolders(false)
  const has = (name: string) => folders.some(folder => folder.path === name)
  const is = (isDone: boolean): Values => ({ state: isDone ? 'done' : 'waiting' })
  switch (kind) {
    case 'create_folder':
      if (isSent) return is(has(path))
      if (has(path)) throw exists(path)
      break
    case 'rename_folder':
      if (isSent && has(path) === has(to)) return lost
      if (isSent) return is(has(to))
      checkOwn(path, folders, isUndo)
      if (has(to)) throw exists(to)
      break
    case 'delete_folder':
      if (isSent) return is(!has(path))
      await checkEmpty(connection, checkOwn(path, folders, isUndo), folders, isEmptied)
      break
    default:
      findFolder(path, folders)
      if (isSent) return { state: 'waiting' }
  }
  return { state: 'sent' }
}

const lost: Values = {
  state: 'unknown',
  code: 'unknown',
  why: 'The connection was lost, and it is not known whether the folder was renamed.',
}

async function checkEmpty(
  connection: MailConnection,
  { path, selectable }: Folder,
  folders: readonly Folder[],
  isEmptied: boolean,
): Promise<void> {
  if (childrenOf(path, folders).length > 0) {
    throw new Problem('folder_not_empty', 'It holds other folders: delete or rename those first.')
  }
  if (isEmptied || !selectable) return
  const { total } = await connection.listMessages(path, 1, undefined)
  if (total === 0) return
  const detail = `It holds ${total} messages: move them first, or delete them with it (messages=delete, scope mail:delete).`
  throw new Problem('folder_not_empty', detail)
}
