/**
 * Gives the trail its ends at the first start, so that ends which are missing later were taken away; and takes over, once, ends that an
 * earlier RustyMail sealed. Everything else is left as it is, for the check to find.
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
  /** Nothing was ever sealed or made in this database, so nobody can have written a trail in it. */
  isNew: boolean
}

/** In the transaction that marks the database as one of this key: neither is ever there without the other. */
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

/** Ends for a trail that has lost its own: never whole. */
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
 * The earlier form knew no file. So where one is, ends of that form were put back, unless the taking over was interrupted between
 * file and database.
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

/** The file comes first: when the transaction fails then, the next start finds the file at the same place and goes on. */
async function saveFirst(head: TrailHead, reading: HeadReading, ends: TrailEnds): Promise<void> {
  const { trail_id, newest, newest_hash, begun_at } = ends
  if (reading.kind === 'missing') await head.save({ trail_id, newest, newest_hash, at: begun_at })
}

/** The file's, where it is at the same place; else it stays as it is, and tells of another trail. */
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
