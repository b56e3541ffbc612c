/** What rules over changes of mail: freezes and policies. A part of the composition root. */
import type { Folder } from '../contract/mail.ts'
import type { FreezeService } from './freezes/freeze-service.ts'
import type { AskedChange, IsHeld, MayChange } from './operations/operation-control.ts'
import type { Database } from './platform/database/database.ts'
import type { Principal } from './platform/principal.ts'
import { Problem } from './platform/problem.ts'
import type { OrganizingJudge } from './policies/organizing-judge.ts'

export interface ControlOptions {
  freezes: Pick<FreezeService, 'isFrozenNow'>
  organizing: Pick<OrganizingJudge, 'admit'>
  foldersOf(accountId: string): Promise<readonly Pick<Folder, 'path' | 'role'>[]>
}

export function controlOf({ freezes, organizing, foldersOf }: ControlOptions): {
  mayChange: MayChange
  isHeld: IsHeld
} {
  return {
    mayChange: async (principal, accountId, asked) => {
      const refuseFrozen = async (db?: Database) => {
        if (!(await freezes.isFrozenNow(principal, accountId, db))) return
        throw new Problem('frozen', 'A human stopped changes of this account, or of this caller.')
      }
      // The gate knows the account of a request only where its path names one.
      await refuseFrozen()
      // Users are not judged; the queue asks about freezes again.
      if (principal.kind === 'session') return undefined
      // It says to whom the owner wrote, and so who is no stranger. What lies there already may be put back.
      const targets = [...new Set(targetsOf(asked))]
      const isIntoSent = async () => {
        const folders = await foldersOf(accountId)
        return targets.some(path => folders.find(folder => folder.path === path)?.role === 'sent')
      }
      if (asked.undoOf === undefined && targets.length > 0 && (await isIntoSent())) {
        throw new Problem('policy_denied', 'Programs may not move or copy messages into the folder of sent mail.')
      }
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
    // Asked of the database right before the mail server is told: another process may have stopped it just now.
    isHeld: ({ principal_kind: kind, principal_id: id, account_id: accountId }) =>
      freezes.isFrozenNow({ kind, id }, accountId),
  }
}

/** For what is shown of messages that wait. */
export function isFrozenBy(freezes: Pick<FreezeService, 'isFrozen'>) {
  return (waiting: { principal_kind: string; principal_id: string; account_id: string }): boolean => {
    const { principal_kind: kind, principal_id: id, account_id: accountId } = waiting
    return freezes.isFrozen({ kind: kind as Principal['kind'], id }, accountId)
  }
}

/** The folder that is changed itself, those that it takes along, and the names that all of them get. */
function foldersOfChange({ folder }: AskedChange): string[] {
  if (!folder) return []
  const { path, to, inside = [] } = folder
  const before = [path, ...inside]
  return to === undefined ? before : [...before, ...before.map(each => to + each.slice(path.length))]
}

function targetsOf({ messages }: AskedChange): string[] {
  return messages.flatMap(({ change }) => (change.to === undefined ? [] : [change.to]))
}
