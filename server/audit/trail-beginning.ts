/**
 * Gives the trail its ends at the first start, so that missing ends later mean tampering; and converts, once, ends that
 * an earlier RustyMail sealed. Everything else is left for verification to find.
 */
import { randomBytes } from 'node:crypto'
import type { Database } from '../platform/database/database.ts'
import { type AuditChain, brokenSeal, type TrailEnds } from './audit-chain.ts'
import type { AuditStore } from './audit-store.ts'
import type { AuditChainRow } from './audit-tables.ts'
import type { HeadReading, TrailHead } from './trail-head.ts'

export interface Beginning {
  store: AuditStore
  chain: AuditChain
  head: TrailHead
  now: () => number
  /** True if nothing was ever sealed or created in this database, so that no trail can have been written. */
  isNew: boolean
}

/** Begins the trail in the transaction that marks the database with this key: neither ever exists without the other. */
export async function beginTrail(transaction: Database, beginning: Beginning): Promise<void> {
  const { store, chain, head } = beginning
  const row = await store.lock(transaction)
  if (row && row.trail_id !== '') return
  const reading = await head.read()
  if (row) return takeOver(transaction, row, reading, beginning)
  const [oldest] = await store.list({ after: 0, before: Number.MAX_SAFE_INTEGER, limit: 1 }, transaction)
  if (oldest || !beginning.isNew) return store.insertEnds(transaction, await brokenEnds(transaction, beginning))
  const ends = { ...nothingWritten, trail_id: idFor(reading, nothingWritten), begun_at: timeOf(beginning) }
  await saveFirst(head, reading, ends)
  await store.insertEnds(transaction, { id: 1, ...ends, seal: chain.seal(ends) })
}

/** Returns ends for a trail that has lost its own: always broken. */
export async function brokenEnds(
  transaction: Database,
  { store, now }: Pick<Beginning, 'store' | 'now'>,
): Promise<AuditChainRow> {
  const [oldest] = await store.list({ after: 0, before: Number.MAX_SAFE_INTEGER, limit: 1 }, transaction)
  const newest = await store.findNewest(transaction)
  return {
    ...nothingWritten,
    id: 1,
    trail_id: newId(),
    begun_at: timeOf({ now }),
    newest: newest?.number ?? 0,
    newest_hash: newest?.hash ?? '',
    forgotten_to: oldest ? oldest.number - 1 : 0,
    seal: brokenSeal,
  }
}

/**
 * Converts ends of the earlier form, which had no file: if there is one, old ends were put back, unless the conversion
 * was interrupted between file and database.
 */
async function takeOver(
  transaction: Database,
  row: AuditChainRow,
  reading: HeadReading,
  beginning: Beginning,
): Promise<void> {
  const { store, chain, head } = beginning
  const { id, seal: _earlier, ...known } = row
  const wasInterrupted = reading.kind === 'ours' && isAt(reading, known)
  const isFirst = reading.kind === 'missing' || reading.kind === 'none' || wasInterrupted
  const ends = { ...known, trail_id: idFor(reading, known), begun_at: timeOf(beginning), head_number: 0 }
  const isWhole = isFirst && chain.isSealedEarlier(row)
  if (isWhole) await saveFirst(head, reading, ends)
  await store.saveEnds(transaction, { id, ...ends, seal: isWhole ? chain.seal(ends) : brokenSeal })
}

/**
 * Writes the file first: if the transaction then fails, the next start finds the file at the same place and continues.
 */
async function saveFirst(head: TrailHead, reading: HeadReading, ends: TrailEnds): Promise<void> {
  const { trail_id, newest, newest_hash, begun_at } = ends
  if (reading.kind === 'missing') await head.save({ trail_id, newest, newest_hash, at: begun_at })
}

/**
 * Returns the id of the file if it is at the same place; otherwise a new one, and the file stays as evidence of another
 * trail.
 */
function idFor(reading: HeadReading, ends: Pick<TrailEnds, 'newest' | 'newest_hash'>): string {
  return reading.kind === 'ours' && isAt(reading, ends) ? reading.head.trail_id : newId()
}

function isAt({ head }: HeadReading & { kind: 'ours' }, ends: Pick<TrailEnds, 'newest' | 'newest_hash'>): boolean {
  return head.newest === ends.newest && head.newest_hash === ends.newest_hash
}

export function newId(): string {
  return randomBytes(8).toString('hex')
}

function timeOf({ now }: Pick<Beginning, 'now'>): string {
  return new Date(now()).toISOString()
}

const nothingWritten = { newest: 0, newest_hash: '', forgotten_to: 0, forgotten_hash: '', head_number: 0 }
