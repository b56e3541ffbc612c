/** `rustymail backup` and `rustymail restore`. A part of the composition root. */
import { contentOf } from './backup/backup-note.ts'
import { type BackupMade, type BackupRequest, makeBackup } from './backup/make-backup.ts'
import { finishRestore, type Restored, restoreBackup } from './backup/restore-backup.ts'
import { backupRequest, databaseFile } from './backup-request.ts'
import type { Outcome } from './commands.ts'
import type { Config } from './config.ts'
import { checkKey, judgeKey } from './key-rotation.ts'
import { migrations } from './migrations.ts'
import { stopRestored } from './outbox/restored-outbox.ts'
import { takeDataDir } from './platform/data-dir.ts'
import { databaseLock } from './platform/database/database-lock.ts'
import { removeIfEmpty } from './platform/database/sqlite-file.ts'
import { createLogger } from './platform/logger.ts'

/** Makes a backup; the server may be running. */
export async function backup(config: Config): Promise<Outcome> {
  const { file, withoutKey, force } = config.backup
  const made = await makeRequested(backupRequest(config, { file, withKey: !withoutKey, force }))
  const { counts, trail_fault } = made.note
  const lines = [
    `${made.file} holds ${contentOf(counts)}, and was verified after writing (${made.bytes} bytes).`,
    keyWords(config, made.hasKey),
    ...(trail_fault === null ? [] : [`The audit trail in it is not intact, as before: ${trail_fault}`]),
  ]
  return { words: lines.join('\n'), exitCode: 0 }
}

export function makeRequested(request: BackupRequest): Promise<BackupMade> {
  return makeBackup(request, { judgeKey, migrations })
}

/** Restores a backup; the server must not be running. */
export async function restore(config: Config): Promise<Outcome> {
  const { file, keyFrom, force } = config.backup
  const database = databaseFile(config, 'restore')
  const { dataDir, secretKey: givenKey } = config
  const taken = takeDataDir(dataDir, { isRestoring: true })
  const logger = createLogger('warn')
  const lock = databaseLock({ url: config.databaseUrl, logger, lost: () => undefined })
  try {
    await lock.take()
    const finished = finishRestore({ dataDir, file })
    if (finished) {
      const words = `The restore of the backup of ${finished.made_at}, which was interrupted, is finished. ${next}`
      return { words, exitCode: 0 }
    }
    const request = { file, database, dataDir, givenKey, keyFrom, force }
    const restored = await restoreBackup(request, {
      judgeKey,
      migrations,
      checkKey: (db, secrets, head) => checkKey(db, { secrets, keep: undefined }, head),
      stopOutbox: stopRestored,
      logger,
      now: Date.now,
    })
    return { words: restoredWords(file, restored), exitCode: 0 }
  } finally {
    // Taking the lock of a database creates an empty file if there was none.
    removeIfEmpty(database)
    await lock.release()
    taken.release()
  }
}

const next =
  'Earlier sessions and links were ended: users sign in again. Revoke again what was revoked after the backup.'

function restoredWords(file: string, { note, kept, trailFault, missing, undecided }: Restored): string {
  const trail =
    trailFault === undefined
      ? 'The audit trail is intact up to there and records the restore.'
      : `The audit trail in it is not intact: ${trailFault}`
  return [
    `Restored from ${file}, made ${note.made_at}: ${contentOf(note.counts)}.`,
    missing === undefined ? trail : `${trail} Entries ${missing}, which came after the backup, are not in it.`,
    ...(kept.length === 0 ? [] : [`The previous files are kept: ${kept.join(', ')}.`]),
    ...(undecided === 0 ? [] : [undecidedWords(undecided)]),
    next,
  ].join('\n')
}

function undecidedWords(count: number): string {
  const which = count === 1 ? 'One message that waited' : `${count} messages that waited`
  return `${which} to be sent may have been sent since: decide about it in the outbox (state unknown).`
}

function keyWords({ secretKey }: Config, hasKey: boolean): string {
  if (hasKey)
    return 'It contains the secret key: anyone with this file can decrypt every password in it. Store it where only you can read it.'
  const why = secretKey ? ', since it comes from RUSTYMAIL_SECRET_KEY' : ''
  return `The secret key is not in it${why}: keep it elsewhere, since nothing sealed can be decrypted without it.`
}
