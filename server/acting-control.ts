/** Controls who may change mail, by freezes and policies. A part of the composition root. */
import type { Folder } from '../contract/mail.ts'
import type { FreezeService } from './freezes/freeze-service.ts'
import type { IsHeld, MayChange, RequestedChange } from './operations/operation-control.ts'
import type { Database } from './platform/database/database.ts'
import type { Principal } from './platform/principal.ts'
import { Problem } from './platform/problem.ts'
import type { OrganizingJudge } from './policies/organizing-judge.ts'

export interface ControlOptions {
  freezes: Pick<FreezeService, 'isFrozenNow'>
  organizing: Pick<OrganizingJudge, 'admit'>
  /** The folders as last listed by the indexer; the mail server is asked only when there is no such listing. */
  foldersOf(accountId: string): Promise<readonly NamedFolder[]>
  foldersNow(accountId: string): Promise<readonly NamedFolder[]>
}

type NamedFolder = Pick<Folder, 'path' | 'role'>

export function controlOf({ freezes, organizing, foldersOf, foldersNow }: ControlOptions): {
  mayChange: MayChange
  isHeld: IsHeld
} {
  const isOneSent = async (accountId: string, paths: readonly string[]): Promise<boolean> => {
    if (paths.length === 0) return false
    const known = await foldersOf(accountId)
    const isKnown = paths.every(path => known.some(folder => folder.path === path))
    const folders = isKnown ? known : await foldersNow(accountId)
    return folders.some(({ path, role }) => role === 'sent' && paths.includes(path))
  }
  /**
   * Refuses changes by programs to the folder of sent mail: its recipients count as contacts, not strangers.
   * @throws Problem if a program could decide which messages that folder holds, or which folder it is.
   */
  const refuseSent = async (
    accountId: string,
    { kind, undoOf, folder }: RequestedChange,
    targets: readonly string[],
  ) => {
    // An undo may put back what was there before.
    if (undoOf === undefined && (await isOneSent(accountId, targets))) {
      throw new Problem('policy_denied', 'Programs may not move or copy messages into the folder of sent mail.')
    }
    // Once it is deleted, another folder could become the sent folder by its name, with all its content.
    const isDeleted = kind === 'delete_folder' && folder !== undefined && (await isOneSent(accountId, [folder.path]))
    if (folder?.role !== 'sent' && !isDeleted) return
    throw new Problem('policy_denied', 'Programs may neither create nor delete the folder of sent mail.')
  }
  return {
    mayChange: async (principal, accountId, asked) => {
      const refuseFrozen = async (db?: Database) => {
        if (!(await freezes.isFrozenNow(principal, accountId, db))) return
        throw new Problem('frozen', 'A human stopped changes of this account, or of this caller.')
      }
      // The gate checks the account of a request only if its path names one.
      await refuseFrozen()
      // Policies do not apply to users; the queue checks freezes again.
      if (principal.kind === 'session') return undefined
      const targets = [...new Set(targetsOf(asked))]
      await refuseSent(accountId, asked, targets)
      const folders = [...asked.messages.map(({ place }) => place.path), ...targets]
      const isStillAllowed = await organizing.admit(principal, {
        isDeletion: asked.kind === 'delete' || asked.folder?.isEmptied === true,
        messages: asked.messages.length + (asked.folder ? 1 + (asked.folder.messages ?? 0) : 0),
        folders: [...folders, ...foldersOfChange(asked)],
        isRename: asked.kind === 'rename_folder',
      })
      return async transaction => {
        await refuseFrozen(transaction)
        await isStillAllowed?.(transaction)
      }
    },
    // Reads the database right before the mail server is told: another process may have frozen the caller just now.
    isHeld: ({ principal_kind: kind, principal_id: id, account_id: accountId }) =>
      freezes.isFrozenNow({ kind, id }, accountId),
  }
}

/** Returns a check that pages use to show which waiting messages are frozen. */
export function isFrozenBy(freezes: Pick<FreezeService, 'isFrozen'>) {
  return (waiting: { principal_kind: string; principal_id: string; account_id: string }): boolean => {
    const { principal_kind: kind, principal_id: id, account_id: accountId } = waiting
    return freezes.isFrozen({ kind: kind as Principal['kind'], id }, accountId)
  }
}

/** Returns the changed folder, the folders below it, and the paths that all of them are renamed to. */
function foldersOfChange({ folder }: RequestedChange): string[] {
  if (!folder) return []
  const { path, to, inside = [] } = folder
  const before = [path, ...inside]
  return to === undefined ? before : [...before, ...before.map(each => to + each.slice(path.length))]
}

function targetsOf({ messages }: RequestedChange): string[] {
  return messages.flatMap(({ change }) => (change.to === undefined ? [] : [change.to]))
}
