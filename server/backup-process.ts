/** A process that makes one backup and ends: reading all of a database would hold up the server, and is ended with it at once. */
import { enableCompileCache } from 'node:module'
import { constants, setPriority } from 'node:os'
import type { BackupMade, BackupRequest } from './backup/make-backup.ts'

export interface BackupOrder {
  request: BackupRequest
  /** Of the server, so that the compiler is not needed again. */
  compileCache: string | undefined
}
export type BackupAnswer = { made: BackupMade } | { fault: string }

process.once('message', (order: BackupOrder) => {
  void carryOut(order).then(answer => process.send?.(answer, () => process.disconnect()))
})
// The server is gone.
process.once('disconnect', () => process.exit(0))

async function carryOut({ request, compileCache }: BackupOrder): Promise<BackupAnswer> {
  try {
    // Requests to the server come first.
    setPriority(constants.priority.PRIORITY_LOW)
    if (compileCache !== undefined) enableCompileCache(compileCache)
    const { makeRequested } = await import('./backup-commands.ts')
    return { made: await makeRequested(request) }
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) }
  }
}
