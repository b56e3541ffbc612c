/** Which folder is meant by the `in:` of a search: one by its path, by its role, or by its path as models are told it. */
import { FolderRole } from '../../contract/mail.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import { Problem } from '../platform/problem.ts'
import { cleanLine } from '../reading/stranger-text.ts'

/** More than the path of any folder that can be searched has: none of those is cut. */
const maxPath = 1000

/** Asks for the list of folders only where the words may be a role, or where there is no folder of that path. */
export async function inFolder<T>(
  connection: MailConnection,
  wanted: string,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const path = await findFolder(connection, wanted)
  try {
    return await work(path)
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'folder_not_found') throw error
    const folders = await connection.listFolders(false)
    const shown = folders.find(each => each.selectable && each.path !== path && toolPath(each.path) === wanted)
    if (!shown) throw error
    return work(shown.path)
  }
}

async function findFolder(connection: MailConnection, wanted: string): Promise<string> {
  const role = wanted.toLowerCase()
  // INBOX is INBOX in any case (RFC 9051, section 5.1).
  if (role === 'inbox') return 'INBOX'
  if (!FolderRole.options.some(known => known === role)) return wanted
  const folders = (await connection.listFolders(false)).filter(({ selectable }) => selectable)
  const folder = folders.find(({ path }) => path === wanted) ?? folders.find(each => each.role === role)
  if (folder) return folder.path
  throw new Problem('folder_not_found', `This account has no folder for ${role}.`)
}

/** A folder's path as a model is told it: people who share one with others may call it anything. */
export function toolPath(path: string): string {
  return cleanLine(path, maxPath)
}
