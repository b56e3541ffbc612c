/**
 * A process that makes one backup and exits: reading a whole database would slow down the server, and can be killed at
 * any time here.
 */
import { enableCompileCache } from 'node:module'
import { constants, setPriority } from 'node:os'
import type { BackupMade, BackupRequest } from './backup/make-backup.ts'

export interface BackupOrder {
  request: BackupRequest
  /** The compile cache of the server, so that modules need not be compiled again. */
  compileCache: string | undefined
}
export type BackupAnswer = { made: BackupMade } | { fault: string }

process.once('message', (order: BackupOrder) => {
  void carryOut(order).then(answer => process.send?.(answer, () => process.disconnect()))
})
// The server has exited.
process.once('disconnect', () => process.exit(0))

async function carryOut({ request, compileCache }: BackupOrder): Promise<BackupAnswer> {
  try {
    // Requests to the server have priority over the backup.
    setPriority(constants.priority.PRIORITY_LOW)
    if (compileCache !== undefined) enableCompileCache(compileCache)
    const { makeRequested } = await import('./backup-commands.ts')
    return { made: await makeRequested(request) }
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) }
  }
}
