/** Commands beside `serve`. Each returns the words to print, or throws an Error with one clear line. */
import { randomBytes } from 'node:crypto'
import type { z } from 'zod'
import { Email, NewPassword, PersonName } from '../contract/access.ts'
import { acceptTrail, recordAction, verifyTrail } from './audit/audit-command.ts'
import type { TrailHead } from './audit/trail-head.ts'
import type { Config } from './config.ts'
import { EventHub } from './events/event-hub.ts'
import { EventLog } from './events/event-log.ts'
import { EventStore } from './events/event-store.ts'
import { checkKey, findKey, judgeKey, resealAll, type ServerKey, wrongKey } from './key-rotation.ts'
import { migrations } from './migrations.ts'
import { type DataDir, readSecretKey, refuseHalfRestored, takeDataDir } from './platform/data-dir.ts'
import { type Database, openDatabase, settle } from './platform/database/database.ts'
import { databaseLock } from './platform/database/database-lock.ts'
import { namingDatabase } from './platform/database/database-name.ts'
import { migrate } from './platform/database/migrate.ts'
import { faultWords } from './platform/fault-words.ts'
import { createLogger } from './platform/logger.ts'
import { SecretBox } from './platform/secret-box.ts'
import { trailHeadOf } from './trail-head-part.ts'
import { PasskeyStore } from './users/passkey-store.ts'
import { PasswordHasher } from './users/password-hasher.ts'
import { UserActionStore } from './users/user-action-store.ts'
import { UserActions } from './users/user-actions.ts'
import { UserService } from './users/user-service.ts'
import { UserStore } from './users/user-store.ts'

export interface Outcome {
  words: string
  exitCode: number
}

/** Answers of the person at the terminal; each is prompted for when it is needed. */
export interface NewAdministrator {
  email(): Promise<string>
  name(): Promise<string>
  password(): Promise<string>
}

/** Creates one more administrator, also for people who locked themselves out. The server must not be running. */
export async function createAdministrator(config: Config, asked: NewAdministrator): Promise<Outcome> {
  return withData(config, async ({ open }) => {
    const email = checked('email', Email, await asked.email())
    const name = checked('name', PersonName, await asked.name())
    const password = checked('password', NewPassword, await asked.password())
    const { db, key, head } = await open()
    await checkKey(db, key, head)
    const logger = createLogger('warn')
    return withHub(db, async hub => {
      const [people, passkeys] = [new UserStore(db), new PasskeyStore(db)]
      const openSessions = async () => []
      const users = new UserService({
        store: people,
        passkeys,
        made: new UserActions({ store: new UserActionStore(db), users: people, passkeys, openSessions }),
        hub,
        hasher: new PasswordHasher(),
        now: Date.now,
        logger,
        baseUrl: () => '',
        accountIds: async () => new Set(),
        ended: async () => undefined,
        changed: async () => undefined,
        openSessions,
      })
      const user = await users.createAdministrator({ email, name, password })
      const action = { operation: 'cli.createAdministrator', effect: 'write', refs: { user_id: user.id } } as const
      await recordAction(db, { secrets: key.secrets, head, logger, now: Date.now, action })
      return { words: `${user.email} is now an administrator.`, exitCode: 0 }
    })
  })
}

/** Runs work with an event hub; the facts that it publishes are in the log when the server next starts. */
export async function withHub<Result>(db: Database, work: (hub: EventHub) => Promise<Result>): Promise<Result> {
  const logger = createLogger('warn')
  const store = new EventStore(db)
  const log = new EventLog({ store, logger, heldInMemory: 10, keep: 100_000, keepMs: 7 * 86_400_000 })
  const streams = { heartbeatSeconds: 15, maxStreams: 1, maxStreamsPerPrincipal: 1, maxStreamAgeMs: 60_000 }
  const hub = new EventHub({ log, logger, ...streams })
  await hub.start()
  try {
    return await work(hub)
  } finally {
    await hub.stop()
  }
}

function checked(field: string, schema: z.ZodType<string>, given: string): string {
  const { success, data, error } = schema.safeParse(given, { error: faultWords })
  if (!success) throw new Error(error.issues.map(({ message }) => `the ${field} ${message}`).join('; '))
  return data
}

/** Verifies the audit trail; the server may be running. */
export async function verifyAudit(config: Config): Promise<Outcome> {
  refuseHalfRestored(config.dataDir)
  const key = config.secretKey ?? readSecretKey(config.dataDir)
  if (!key) throw new Error(`there is no secret.key in ${config.dataDir}`)
  return namingDatabase(config.databaseUrl, () => verified(config, key))
}

async function verified(config: Config, key: Buffer): Promise<Outcome> {
  const db = openDatabase(config.databaseUrl)
  try {
    const secrets = new SecretBox(key)
    // With the wrong key no seal verifies.
    if ((await judgeKey(db, secrets)) === 'wrong') throw new Error(wrongKey)
    const { is_whole, entries, oldest, newest, begun_at, fault } = await verifyTrail(
      db,
      secrets,
      trailHeadOf(config, secrets),
    )
    if (is_whole) {
      const span = spanOf(entries, oldest, newest)
      return { words: `The audit trail is intact: ${span}. It was started ${begun_at}.`, exitCode: 0 }
    }
    if (fault?.kind === 'unconfirmed') {
      return { words: `The integrity of the audit trail cannot be confirmed. ${fault.detail}`, exitCode: 1 }
    }
    if (fault?.number === 0) return { words: `The audit trail was tampered with. ${fault.detail}`, exitCode: 1 }
    const what = fault ? `entry ${fault.number} is ${fault.kind}: ${fault.detail}` : 'its seal is not ours'
    return { words: `The audit trail was tampered with: ${what}`, exitCode: 1 }
  } finally {
    await db.destroy()
  }
}

function spanOf(entries: number, oldest: number | null, newest: number | null): string {
  if (entries === 0) return 'it has no entries yet'
  if (entries === 1) return `it has 1 entry, number ${oldest}`
  return `it has ${entries} entries, from number ${oldest} to ${newest}`
}

/** Accepts the audit trail as it is, e.g. after a restore. The server must not be running: it would add entries. */
export async function acceptAudit(config: Config): Promise<Outcome> {
  return withData(config, async ({ open }) => {
    const { db, key, head } = await open()
    await checkKey(db, key, head)
    const logger = createLogger('warn')
    const fault = await acceptTrail(db, { secrets: key.secrets, head, now: Date.now, logger })
    if (!fault) return { words: 'Nothing to accept: the audit trail is intact.', exitCode: 0 }
    const words = `The audit trail is accepted as it is in the database, and this is recorded in it. The fault was: ${fault.detail}`
    return { words, exitCode: 0 }
  })
}

/**
 * Makes a new key and seals everything with it again. An interrupted rotation can be rerun: the next key lies beside
 * the old one until the database has switched over, and the database tells which of the two is right.
 */
export async function rotateKey(config: Config, newKey: Buffer | undefined): Promise<Outcome> {
  if (config.secretKey && !newKey) {
    throw new Error(
      'the key comes from RUSTYMAIL_SECRET_KEY: set the new one as RUSTYMAIL_NEW_SECRET_KEY, then switch over',
    )
  }
  return withData(config, async ({ open, dataDir }) => {
    const { db, key, head } = await open()
    const change = config.secretKey ? ' Start RustyMail with the new RUSTYMAIL_SECRET_KEY from now on.' : ''
    const begun = config.secretKey ? newKey : begunChange(dataDir, newKey)
    // Adopting the next key deletes the old one, so a power failure must not revert the database to it.
    const adopt = async () => {
      await settle(db, config.databaseUrl)
      if (!config.secretKey) dataDir.adoptNextKey()
    }
    if (begun && (await judgeKey(db, new SecretBox(begun))) === 'right') {
      await adopt()
      const words = `Everything was already sealed with the new key; it is now the current key.${change}`
      return { words, exitCode: 0 }
    }
    await checkKey(db, key, head)
    const to = new SecretBox(begun ?? dataDir.keepNextKey(newKey ?? randomBytes(32)))
    await head.sealAlso(to)
    const count = await resealAll(db, key.secrets, to)
    await adopt()
    const action = { operation: 'cli.rotateKey', effect: 'write', refs: {} } as const
    await recordAction(db, {
      secrets: to,
      head: trailHeadOf(config, to),
      logger: createLogger('warn'),
      now: Date.now,
      action,
    })
    const words = `Re-encrypted with a new key: ${count} ${count === 1 ? 'secret' : 'secrets'}.${change}`
    return { words, exitCode: 0 }
  })
}

/** Returns the next key of an interrupted rotation, which must be finished before another one begins. */
function begunChange(dataDir: DataDir, newKey: Buffer | undefined): Buffer | undefined {
  const begun = dataDir.nextKey()
  if (begun && newKey && !begun.equals(newKey)) {
    throw new Error('a key rotation was interrupted: finish it first, without RUSTYMAIL_NEW_SECRET_KEY')
  }
  return begun
}

interface TakenData {
  dataDir: DataDir
  /** Opens the database and migrates it; it is closed when the work is done. */
  open(): Promise<{ db: Database; key: ServerKey; head: TrailHead }>
}

/** Locks data directory and database before the work begins, so that no question is asked in vain. */
export async function withData<Result>(config: Config, work: (data: TakenData) => Promise<Result>): Promise<Result> {
  const dataDir = takeDataDir(config.dataDir)
  const taken = Promise.withResolvers<never>()
  const lock = databaseLock({ url: config.databaseUrl, logger: createLogger('warn'), lost: taken.reject })
  let db: Database | undefined
  try {
    await namingDatabase(config.databaseUrl, () => lock.take())
    const open = async () => {
      db = await namingDatabase(config.databaseUrl, async () => {
        const opened = openDatabase(config.databaseUrl)
        await migrate(opened, migrations).catch(async (error: unknown) => {
          await opened.destroy()
          throw error
        })
        return opened
      })
      const key = findKey(config.secretKey, dataDir)
      return { db, key, head: trailHeadOf(config, key.secrets) }
    }
    return await Promise.race([work({ dataDir, open }), taken.promise])
  } finally {
    await db?.destroy()
    await lock.release()
    dataDir.release()
  }
}
