/** Resolves a target folder that a caller names by its path or role. */
import { lowerAscii } from '../../contract/ascii-case.ts'
import { CreatedRole } from '../../contract/folder-actions.ts'
import type { Folder } from '../../contract/mail.ts'
import type { Target } from '../../contract/operations.ts'
import { FolderNames } from '../mail/search-folder.ts'
import { Problem } from '../platform/problem.ts'
import { type FolderArguments, pathForRole } from './folder-kinds.ts'

/** A target of REST, or the `name` that a model gives: a path, a role, or a path as shown to it. */
export type NamedTarget = Target | { name: string }

export interface FoundTarget {
  path: string
  /** The folder, if it has to be created first. */
  creates?: FolderArguments
}

/** @param folders All folders of the account. @throws Problem that says which folder is missing. */
export function targetFolder(folders: readonly Folder[], target: NamedTarget): FoundTarget {
  if ('name' in target) return namedFolder(folders, target.name)
  if ('role' in target) {
    const found = folders.find(({ role, selectable }) => role === target.role && selectable)
    if (found) return { path: found.path }
    const role = CreatedRole.safeParse(target.role)
    if (target.create && role.success) return createdFolder(folders, role.data)
    const hint = role.success ? 'set `create: true`, or name a folder by its path' : 'name a folder by its path'
    const detail = `The account has no folder with the role ${target.role}: ${hint}.`
    throw new Problem('folder_not_found', detail)
  }
  const wanted = lowerAscii(target.folder) === 'inbox' ? 'INBOX' : target.folder
  const found = folders.find(({ path }) => path === wanted)
  if (!found) throw new Problem('folder_not_found', `The account has no folder ${JSON.stringify(target.folder)}.`)
  if (!found.selectable) throw new Problem('folder_not_selectable', 'This folder holds other folders and no messages.')
  return { path: found.path }
}

/** Returns the folder to create, or an existing folder of that name that has no role. */
function createdFolder(folders: readonly Folder[], role: CreatedRole): FoundTarget {
  const path = pathForRole(role, folders)
  if (folders.some(folder => folder.path === path)) return targetFolder(folders, { folder: path })
  return { path, creates: { folder: path, role } }
}

/**
 * The word of a role means the folder that has it, not one that is merely called so: a program may have created that
 * one, and the folder with the role would have no word left that is the same in every mailbox.
 */
function namedFolder(folders: readonly Folder[], name: string): FoundTarget {
  const [holder, ...more] = folders.filter(({ role, selectable }) => role === name && selectable)
  if (holder && more.length === 0) return { path: holder.path }
  const [path, ...others] = new FolderNames(folders).pathsOf(name)
  if (path === undefined) throw new Problem('folder_not_found', 'The account has no folder of this name.')
  if (others.length === 0) return targetFolder(folders, { folder: path })
  throw new Problem('folder_not_found', `${others.length + 1} folders have this name.`)
}
