/** Compares the database with `audit.head`, and returns what is wrong or cannot be ruled out. */

import type { AuditStore } from './audit-store.ts'
import type { AuditChainRow } from './audit-tables.ts'
import type { Fault } from './audit-verdict.ts'
import { type Head, type HeadReading, headFileName } from './trail-head.ts'

export interface HeadEvidence {
  /** Read before the ends: the database can have moved on since, never the other way round. */
  early: HeadReading
  ends: AuditChainRow
  /** Read after the ends. */
  late: HeadReading
  /** The number up to which this process wrote the file itself. */
  saved?: number
}

const acceptance = 'If you know why, for instance because you restored a backup, run "rustymail audit accept".'

export async function judgeHead(
  { early, ends, late, saved = 0 }: HeadEvidence,
  store: Pick<AuditStore, 'find'>,
): Promise<Fault | undefined> {
  if (early.kind === 'none' || late.kind === 'none') return undefined
  const { newest } = ends
  for (const reading of [early, late]) {
    if (reading.kind === 'missing') return missing(newest)
    if (reading.kind === 'foreign') return foreign(newest, reading.why)
    if (reading.head.trail_id !== ends.trail_id) return ofAnotherTrail(reading.head, ends)
  }
  if (early.kind !== 'ours' || late.kind !== 'ours') return undefined
  if (early.head.newest > newest) return behind(early.head, newest)
  const written = Math.max(ends.head_number, saved)
  if (late.head.newest < written) return putBack(late.head, newest, written)
  return (await compare(early.head, ends, store)) ?? undefined
}

/** Checks that the entry named by the file is the one that the database has there. */
async function compare(head: Head, ends: AuditChainRow, store: Pick<AuditStore, 'find'>): Promise<Fault | undefined> {
  if (head.newest < ends.forgotten_to) {
    const detail =
      `${headFileName} ends at entry ${head.newest}, and the oldest that is kept is ${ends.forgotten_to + 1}: nothing is left that ` +
      `could be compared. ${acceptance}`
    return { number: ends.newest, kind: 'unconfirmed', detail }
  }
  const isBeginning = head.newest === ends.forgotten_to
  const found = isBeginning ? ends.forgotten_hash : (await store.find(head.newest))?.hash
  if (found === head.newest_hash) return undefined
  const detail =
    `Entry ${head.newest} is not the one that ${headFileName} of ${head.at} knows: entries were cut off and others written in their ` +
    `place, or an older state of the database was put back. ${acceptance}`
  return { number: head.newest, kind: 'changed', detail }
}

function missing(newest: number): Fault {
  const detail =
    `${headFileName} is missing in the data directory. What the database holds fits together up to entry ${newest}; that later entries ` +
    `were cut off, or that an older state of the database was put back, cannot be excluded. ${acceptance}`
  return { number: newest, kind: 'unconfirmed', detail }
}

function foreign(newest: number, why: string): Fault {
  const detail =
    `${headFileName} in the data directory is unusable: ${why}. That entries were cut off, or that an older state of the database was ` +
    `put back, cannot be excluded. ${acceptance}`
  return { number: newest, kind: 'unconfirmed', detail }
}

function ofAnotherTrail(head: Head, ends: AuditChainRow): Fault {
  const detail =
    `${headFileName} knows a trail of ${head.newest} entries, and the database holds another one, of ${ends.newest}, begun ` +
    `${ends.begun_at || 'earlier'}: the trail was wiped and begun again, or the database or the file was replaced. ${acceptance}`
  return { number: ends.newest, kind: 'changed', detail }
}

function behind(head: Head, newest: number): Fault {
  const detail =
    `${headFileName} of ${head.at} knows entries up to ${head.newest}, and the database ends at ${newest}: ` +
    `${span(newest + 1, head.newest)} missing. Somebody cut that off, or put back an older state of the database. ${acceptance}`
  return { number: newest + 1, kind: 'missing', detail }
}

function putBack(head: Head, newest: number, written: number): Fault {
  const detail =
    `${headFileName} ends at entry ${head.newest}, but had been written up to ${written}: an older one was put back. That entries ` +
    `behind ${newest} were cut off cannot be excluded. ${acceptance}`
  return { number: newest, kind: 'unconfirmed', detail }
}

/** Returns a subject with its verb: "entry 7 is", "entries 7 to 9 are". */
function span(first: number, last: number): string {
  return first === last ? `entry ${first} is` : `entries ${first} to ${last} are`
}
