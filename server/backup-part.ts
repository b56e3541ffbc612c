/** Scheduled backups as a part, each made by a process of its own. A part of the composition root. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { BackupSchedule } from './backup/backup-schedule.ts'
import type { BackupMade, BackupRequest } from './backup/make-backup.ts'
import type { BackupAnswer, BackupOrder } from './backup-process.ts'
import { backupRequest } from './backup-request.ts'
import type { Config } from './config.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import { threadProgram } from './platform/start-thread.ts'

/**
 * Timeout of one backup in ms; a backup that takes longer hangs, for instance on a disk that was removed, and is
 * killed.
 */
const boundMs = 60 * 60_000
const program = threadProgram(import.meta, 'backup-process')

export function backupPart(config: Config, mayRun: () => boolean, logger: Logger): Part {
  const { backups } = config
  if (!backups) return { name: 'backups' }
  const { withKey, ...rest } = backups
  const schedule = new BackupSchedule({
    ...rest,
    make: (file, signal) => makeElsewhere(backupRequest(config, { file, withKey, force: false }), signal),
    now: Date.now,
    mayRun,
    logger,
  })
  return { name: 'backups', start: () => schedule.start(), stop: () => schedule.stop() }
}

async function makeElsewhere(request: BackupRequest, stopping: AbortSignal): Promise<BackupMade> {
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(boundMs)])
  signal.throwIfAborted()
  // The outcome arrives as an IPC message.
  const child = fork(program, { execArgv: ['--max-semi-space-size=4'], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  const end = () => child.kill('SIGKILL')
  signal.addEventListener('abort', end)
  let answer: BackupAnswer | undefined
  child.on('message', (message: BackupAnswer) => {
    answer = message
  })
  const cache = getCompileCacheDir()
  const order: BackupOrder = { request, compileCache: cache === undefined ? undefined : dirname(cache) }
  // A process that exits before it has read the request breaks the pipe; only its exit code counts.
  child.send(order, () => undefined)
  try {
    const [code, killer] = await once(child, 'exit')
    if (answer && 'made' in answer) return answer.made
    if (answer) throw new Error(answer.fault)
    signal.throwIfAborted()
    throw new Error(`the backup process exited unexpectedly: ${killer ?? code}`)
  } finally {
    signal.removeEventListener('abort', end)
  }
}
