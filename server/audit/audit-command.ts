/** The commands for the trail, without a running server or beside one. */
import type { Database } from '../platform/database/database.ts'
import type { Logger } from '../platform/logger.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import { AuditChain } from './audit-chain.ts'
import { type AuditFact, system, toRow } from './audit-entry.ts'
import { AuditStore } from './audit-store.ts'
import { AuditTrail } from './audit-trail.ts'
import type { AuditVerdict, Fault } from './audit-verdict.ts'
import { AuditVerifier } from './audit-verifier.ts'
import { HeadKeeper } from './head-keeper.ts'
import { beginTrail, newId } from './trail-beginning.ts'
import type { TrailHead } from './trail-head.ts'
import { openSettings, sealSettings } from './trail-settings.ts'

type Keys = Pick<SecretBox, 'derive'>
type AuditedAction = Pick<AuditFact, 'operation' | 'effect' | 'refs'>

export interface TrailPlaces {
  secrets: Keys
  head: TrailHead
  now: () => number
}

/** Runs `rustymail audit verify`. */
export function verifyTrail(db: Database, secrets: Keys, head?: Pick<TrailHead, 'read'>): Promise<AuditVerdict> {
  return new AuditVerifier({ store: new AuditStore(db), chain: new AuditChain(secrets), head }).verify()
}

/** Begins the trail at each start, in the transaction that marks the database with this key. */
export function beginTrailOf(
  transaction: Database,
  { secrets, isNew, ...places }: TrailPlaces & { isNew: boolean },
): Promise<void> {
  const store = new AuditStore(transaction)
  return beginTrail(transaction, { store, chain: new AuditChain(secrets), isNew, ...places })
}

/**
 * Seals the settings with another key, in the transaction that switches the database to it. Unsealed settings stay
 * unsealed.
 */
export async function resealSettings(transaction: Database, from: Keys, to: Keys): Promise<void> {
  const store = new AuditStore(transaction)
  const settings = openSettings(await store.findSettings(), from)
  if (settings) await store.saveSettings(sealSettings(settings, to), new Date().toISOString())
}

/** Records an action of the command line as `cli.…`. */
export async function recordAction(
  db: Database,
  { secrets, head, logger, now, action }: TrailPlaces & { logger: Logger; action: AuditedAction },
): Promise<void> {
  const store = new AuditStore(db)
  const chain = new AuditChain(secrets)
  const keeper = new HeadKeeper({ head, store, now, logger })
  await keeper.start()
  const rest = { accountId: null, input: undefined, outcome: 'ok', status: 200, durationMs: 0, requestId: '' }
  const row = toRow({ ...system, ...rest, ...action, at: now() }, chain)
  await new AuditTrail({ store, chain, logger, now, keeper }).append([row])
  await keeper.stop()
}

/**
 * Accepts the trail in the database as the true one: seals it, updates the file, and records what was wrong. Returns
 * the fault; undefined if there was none.
 * @throws Error if the entries themselves do not fit together, which nothing can repair.
 */
export async function acceptTrail(db: Database, places: TrailPlaces & { logger: Logger }): Promise<Fault | undefined> {
  const { secrets, head, now } = places
  const store = new AuditStore(db)
  const chain = new AuditChain(secrets)
  const { verdict, place } = await new AuditVerifier({ store, chain, head }).examine()
  const { fault } = verdict
  if (!fault) return undefined
  if (place === 'entries') {
    throw new Error(`entry ${fault.number} is ${fault.kind}, which accepting it cannot repair: ${fault.detail}`)
  }
  await db.transaction().execute(async transaction => {
    const row = await store.lock(transaction)
    if (!row) throw new Error('the audit trail has no ends')
    // A new id, so that neither the file nor older ends can pass for those of this trail.
    const { id, seal: _refused, ...known } = row
    const ends = { ...known, trail_id: newId(), begun_at: new Date(now()).toISOString(), head_number: 0 }
    const { trail_id, newest, newest_hash, begun_at } = ends
    await head.save({ trail_id, newest, newest_hash, at: begun_at })
    await store.saveEnds(transaction, { id, ...ends, seal: chain.seal(ends) })
  })
  const refs = { entry: String(fault.number), kind: fault.kind, detail: fault.detail }
  await recordAction(db, { ...places, action: { operation: 'cli.acceptTrail', effect: 'write', refs } })
  return fault
}
