/** Which folder is meant by the `in:` of a search: one by its path, else the one that has the role. */
import { FolderRole } from '../../contract/mail.ts'
import { Problem } from '../platform/problem.ts'
import type { MailConnection } from './mail-gateway.ts'

/** Asks for the list of folders only where the words may be a role. */
export async function findFolder(connection: MailConnection, wanted: string): Promise<string> {
  const role = wanted.toLowerCase()
  // INBOX is INBOX in any case (RFC 9051, section 5.1).
  if (role === 'inbox') return 'INBOX'
  if (!FolderRole.options.some(known => known === role)) return wanted
  const folders = (await connection.listFolders()).filter(({ selectable }) => selectable)
  const folder = folders.find(({ path }) => path === wanted) ?? folders.find(each => each.role === role)
  if (folder) return folder.path
  throw new Problem('folder_not_found', `This account has no folder for ${role}.`)
}
