/** Kinds of operations on folders, and the checks which folders and names they allow. */
import { lowerAscii } from '../../contract/ascii-case.ts'
import type { CreatedRole } from '../../contract/folder-actions.ts'
import type { Folder } from '../../contract/mail.ts'
import type { OperationKind } from '../../contract/operations.ts'
import { badInput, Problem } from '../platform/problem.ts'

export type FolderKind = Extract<OperationKind, `${string}_folder`>

/** The arguments of a folder operation, as stored in its row. */
export interface FolderArguments {
  folder: string
  to?: string
  role?: CreatedRole
  /** The hierarchy delimiter of the new path. */
  delimiter?: string | null
  /** Whether the folder's messages are deleted with it. */
  isEmptied?: boolean
}

/** Bytes per level of a path; a message reference has no room for longer ones. */
const mostBytes = 255
const mostLevels = 20

export function isFolderKind(kind: OperationKind): kind is FolderKind {
  return kind.endsWith('_folder')
}

/** @throws Problem when the path cannot name a new folder of the account itself. */
export function checkNewPath(path: string, folders: readonly Folder[]): void {
  const wrong = (message: string) => badInput('body.path', message)
  if (/\p{Cc}|\p{Cs}|[\u2028\u2029]/u.test(path)) throw wrong('must not contain control characters')
  // `*` and `%` are wildcards in LIST (RFC 9051, section 6.3.9).
  if (/[*%]/.test(path)) throw wrong('must not contain * or %')
  const delimiter = delimiterOf(folders)
  const levels = delimiter === null ? [path] : path.split(delimiter)
  const isThere = (at: number) => folders.some(folder => folder.path === levels.slice(0, at + 1).join(delimiter ?? ''))
  // Bidi controls would reorder the text beside the name. Existing folders with such names may get new subfolders.
  if (levels.some((level, at) => /[\u202a-\u202e\u2066-\u2069]/.test(level) && !isThere(at)))
    throw wrong('must not contain bidirectional control characters')
  if (levels.some(level => level.trim() === '')) throw wrong('must have a name at each level')
  if (levels.some(level => level.trim() !== level)) throw wrong('must not begin or end a name with a blank')
  // Some servers store folders as directories.
  if (levels.some(level => /^\.{1,2}$/.test(level)) || /(^|[/\\])\.\.?([/\\]|$)/.test(path)) {
    throw wrong('must not contain . or .. as a name')
  }
  if (levels.length > mostLevels) throw wrong(`must have at most ${mostLevels} levels`)
  if (levels.some(level => Buffer.byteLength(level) > mostBytes))
    throw wrong(`must have names of at most ${mostBytes} bytes`)
  if (lowerAscii(levels[0]!) === 'inbox' && levels[0] !== 'INBOX') throw wrong('must write INBOX in capitals')
  // A dotless i (U+0131): mail programs, and ImapFlow here, take such a folder for the inbox.
  if (levels[0]!.toUpperCase() === 'INBOX' && levels[0] !== 'INBOX') throw wrong('must not look like INBOX')
  if (levels.length === 1 && path === 'INBOX') throw exists(path)
  if (isForeign(path, folders)) throw wrong('must be among the account’s own folders')
}

/** @throws Problem when the folder does not exist, or may be neither renamed nor deleted. */
export function checkOwn(path: string, folders: readonly Folder[], isUndo = false): Folder {
  const found = findFolder(path, folders)
  if (lowerAscii(path) === 'inbox') throw protectedFolder('The inbox is always there.')
  if (found.namespace !== 'personal') throw protectedFolder('It belongs to another user or is shared.')
  // Undoing the creation of a folder with a role may remove it again.
  if (found.role && !isUndo) throw protectedFolder(`It has the role ${found.role}: mail programs need it.`)
  return found
}

/** @throws Problem `folder_not_found` */
export function findFolder(path: string, folders: readonly Folder[]): Folder {
  const found = folders.find(folder => folder.path === path)
  if (found) return found
  throw new Problem('folder_not_found', `The account has no folder ${JSON.stringify(path)}.`)
}

export function childrenOf(path: string, folders: readonly Folder[]): Folder[] {
  const delimiter = delimiterOf(folders)
  return delimiter === null ? [] : folders.filter(folder => folder.path.startsWith(`${path}${delimiter}`))
}

export function delimiterOf(folders: readonly Folder[]): string | null {
  const own = folders.find(({ namespace, delimiter }) => namespace === 'personal' && delimiter !== null)
  return own?.delimiter ?? null
}

/** Returns a function that maps the path of any folder to its path after the rename. */
export function renamedBy({ folder, to = folder, delimiter = null }: FolderArguments): (path: string) => string {
  return path => {
    if (path === folder) return to
    return delimiter !== null && path.startsWith(`${folder}${delimiter}`) ? to + path.slice(folder.length) : path
  }
}

export function exists(path: string): Problem {
  return new Problem('folder_exists', `The account already has a folder ${JSON.stringify(path)}.`)
}

const names: Record<CreatedRole, string> = {
  archive: 'Archive',
  junk: 'Junk',
  trash: 'Trash',
  drafts: 'Drafts',
  sent: 'Sent',
}

/** Returns the path for a new folder with the role: beside the others, which some servers keep below INBOX. */
export function pathForRole(role: CreatedRole, folders: readonly Folder[]): string {
  const prefix = `INBOX${delimiterOf(folders) ?? ''}`
  const others = folders.filter(({ namespace, path }) => namespace === 'personal' && path !== 'INBOX')
  const isBelow = others.length > 0 && others.every(({ path }) => path.startsWith(prefix))
  return `${isBelow ? prefix : ''}${names[role]}`
}

function isForeign(path: string, folders: readonly Folder[]): boolean {
  return folders.some(folder => {
    if (folder.namespace === 'personal' || folder.delimiter === null) return false
    const [root = ''] = folder.path.split(folder.delimiter)
    return path === root || path.startsWith(`${root}${folder.delimiter}`)
  })
}

function protectedFolder(why: string): Problem {
  return new Problem('folder_protected', `This folder can be neither renamed nor deleted. ${why}`)
}
