/** The path of the folder that a caller names by its path or by its role. */
import type { Folder } from '../../contract/mail.ts'
import type { Target } from '../../contract/operations.ts'
import { FolderNames } from '../mail/search-folder.ts'
import { Problem } from '../platform/problem.ts'

/** For models: a path, a role, or a path as they were told it. */
export type NamedTarget = Target | { name: string }

/** @param folders All of the account. @throws Problem that says which folder is missing. */
export function targetFolder(folders: readonly Folder[], target: NamedTarget): string {
  if ('name' in target) return namedFolder(folders, target.name)
  if ('role' in target) {
    const found = folders.find(({ role, selectable }) => role === target.role && selectable)
    if (found) return found.path
    const detail = `The account has no folder with the role ${target.role}: create one in a mail program, or name a folder by its path.`
    throw new Problem('folder_not_found', detail)
  }
  const wanted = target.folder.toUpperCase() === 'INBOX' ? 'INBOX' : target.folder
  const found = folders.find(({ path }) => path === wanted)
  if (!found) throw new Problem('folder_not_found', `The account has no folder ${JSON.stringify(target.folder)}.`)
  if (!found.selectable) throw new Problem('folder_not_selectable', 'This folder holds other folders and no messages.')
  return found.path
}

function namedFolder(folders: readonly Folder[], name: string): string {
  const [path, ...others] = new FolderNames(folders).pathsOf(name)
  if (path === undefined) throw new Problem('folder_not_found', 'The account has no folder of this name.')
  if (others.length === 0) return targetFolder(folders, { folder: path })
  throw new Problem('folder_not_found', `${others.length + 1} folders are called so.`)
}
