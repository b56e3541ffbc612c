/** Reads the whole trail once, and returns that it is as it was written, or the first fault. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AuditChain, TrailPlace } from './audit-chain.ts'
import type { AuditStore } from './audit-store.ts'
import type { AuditChainRow, AuditRow } from './audit-tables.ts'
import type { AuditVerdict, Fault } from './audit-verdict.ts'
import { judgeHead } from './head-judgement.ts'
import { type HeadReading, headFileName, type TrailHead } from './trail-head.ts'

/** The calling process's own knowledge of the trail. */
export interface OwnKnowledge {
  /** The entry that it wrote last, which must still exist. */
  written?: TrailPlace
  /** How far it has written `audit.head`. */
  saved?: number
}

/** The place of a fault: the entries, only their ends, or the file beside the database. */
export type FaultPlace = 'entries' | 'ends' | 'head'

export interface Examination {
  verdict: AuditVerdict
  /** Undefined if there is no fault. */
  place: FaultPlace | undefined
}

/** Entries per read; between two reads it yields to the event loop. */
const pageSize = 500
const end = Number.MAX_SAFE_INTEGER

export class AuditVerifier {
  readonly #store: AuditStore
  readonly #chain: AuditChain
  readonly #head: Pick<TrailHead, 'read'> | undefined

  /** @param head Undefined if only the database is verified. */
  constructor(options: { store: AuditStore; chain: AuditChain; head?: Pick<TrailHead, 'read'> | undefined }) {
    this.#store = options.store
    this.#chain = options.chain
    this.#head = options.head
  }

  /** Verifies the trail; entries may be appended and pruned meanwhile. */
  async verify(own: OwnKnowledge = {}): Promise<AuditVerdict> {
    return (await this.examine(own)).verdict
  }

  async examine({ written = { number: 0, hash: '' }, saved = 0 }: OwnKnowledge = {}): Promise<Examination> {
    // Read before the ends, so that the database is never behind it by being read first.
    const early = await this.#readHead()
    const ends = await this.#store.findEnds()
    if (!ends) return { verdict: await this.#withoutEnds(early), place: 'ends' }
    const late = await this.#readHead()
    const walked = await this.#walk(ends, written)
    if (walked.place) return walked
    const fault = await judgeHead({ early, ends, late, saved }, this.#store)
    return fault ? { verdict: verdict(ends, fault), place: 'head' } : walked
  }

  async #readHead(): Promise<HeadReading> {
    return (await this.#head?.read()) ?? { kind: 'none' }
  }

  async #walk(begun: AuditChainRow, written: TrailPlace): Promise<Examination> {
    let ends = begun
    let place = beginning(ends)
    while (place.number < ends.newest) {
      const rows = await this.#store.list({ after: place.number, before: ends.newest + 1, limit: pageSize })
      for (const row of rows) {
        if (row.number !== place.number + 1) break
        const fault = await this.#check(place, row, written)
        if (fault) return { verdict: verdict(ends, fault), place: 'entries' }
        place = row
      }
      await nextTurn()
      if (rows.length > 0 && place.number === rows.at(-1)?.number) continue
      // The next entry is missing: it was deleted, or pruned since we began.
      const now = (await this.#store.findEnds()) ?? ends
      if (now.forgotten_to <= place.number) {
        return { verdict: verdict(ends, await this.#explainGap(place, ends)), place: 'entries' }
      }
      ends = now
      place = beginning(ends)
    }
    const stray = await this.#findStray(ends)
    if (stray) return { verdict: verdict(ends, stray), place: 'entries' }
    const fault = this.#checkEnds(place, ends, written)
    return { verdict: verdict(ends, fault), place: fault ? 'ends' : undefined }
  }

  async #check(place: TrailPlace, row: AuditRow, written: TrailPlace): Promise<Fault | undefined> {
    const { number } = row
    if (row.hash === this.#chain.hash(place.hash, row)) {
      if (number !== written.number || row.hash === written.hash) return undefined
      return { number, kind: 'changed', detail: `Entry ${number} is not the one that this server wrote.` }
    }
    return (
      (await this.#findElsewhere(place, row.hash)) ?? {
        number,
        kind: 'changed',
        detail: `Entry ${number}, or its hash, is not as it was written.`,
      }
    )
  }

  async #explainGap(place: TrailPlace, ends: AuditChainRow): Promise<Fault> {
    const number = place.number + 1
    const [next] = await this.#store.list({ after: place.number, before: ends.newest + 1, limit: 1 })
    const upTo = next ? next.number - 1 : ends.newest
    const detail = upTo > number ? `Entries ${number} to ${upTo} are missing.` : `Entry ${number} is missing.`
    return (await this.#findElsewhere(place, undefined)) ?? { number, kind: 'missing', detail }
  }

  /** Finds an entry before the beginning or after the end, unless those have moved on legitimately. */
  async #findStray(ends: AuditChainRow): Promise<Fault | undefined> {
    const words = await this.#store.findStray({ after: ends.forgotten_to, upTo: ends.newest })
    if (words === undefined) return undefined
    const number = Number(words)
    if (words === '' || !Number.isSafeInteger(number)) {
      const what = words === '' ? 'no number' : `${words.slice(0, 40)} for its number`
      return { number: ends.newest, kind: 'changed', detail: `An entry that no server wrote has ${what}.` }
    }
    if (number <= ends.forgotten_to) {
      const detail = `Entry ${number} stands before the beginning of the trail, which is ${ends.forgotten_to + 1}.`
      return { number, kind: 'changed', detail }
    }
    const now = (await this.#store.findEnds()) ?? ends
    if (now.newest >= number) return undefined
    const detail = `Entry ${number} stands behind the end of the trail, which is ${ends.newest}.`
    return { number, kind: 'changed', detail }
  }

  #checkEnds(place: TrailPlace, ends: AuditChainRow, written: TrailPlace): Fault | null {
    const { number } = place
    if (number < written.number) {
      const detail = `Entries ${number + 1} to ${written.number}, which this server wrote or found at its start, are missing.`
      return { number: number + 1, kind: 'missing', detail }
    }
    if (this.#chain.isSealed(ends) && number === ends.newest && place.hash === ends.newest_hash) return null
    if (this.#chain.isSealedEarlier(ends)) {
      const detail =
        'The ends are sealed in the form of an earlier RustyMail, which the first start of this one converts. After that start such ' +
        'ends are invalid: older ones were put back.'
      return { number, kind: 'unconfirmed', detail }
    }
    const detail =
      'The entries fit together, but the seal of the ends is not ours: entries were cut off at an end, or all written again, without ' +
      'the secret key; or the secret key is another one now.'
    return { number, kind: 'changed', detail }
  }

  /** Finds the entry that belongs after a place under another number. Called only for a fault: it reads the rest. */
  async #findElsewhere(place: TrailPlace, given: string | undefined): Promise<Fault | undefined> {
    const number = place.number + 1
    let last = place
    for (;;) {
      const rows = await this.#store.list({ after: last.number, before: end, limit: pageSize })
      for (const row of rows) {
        const before = last.hash
        last = row
        const hash = this.#chain.hash(place.hash, { ...row, number })
        if (row.number === number || (hash !== row.hash && hash !== given)) continue
        // An entry with the same content, in its own place.
        if (row.hash === this.#chain.hash(before, row)) continue
        return { number, kind: 'reordered', detail: `Entry ${number} stands in the place of entry ${row.number}.` }
      }
      if (rows.length < pageSize) return undefined
      await nextTurn()
    }
  }

  /** Reports missing ends, which exist from the first start on: a trail without them is never intact, even if empty. */
  async #withoutEnds(head: HeadReading): Promise<AuditVerdict> {
    const [oldest] = await this.#store.list({ after: -end, before: end, limit: 1 })
    const lost =
      head.kind === 'ours' && head.head.newest > 0
        ? ` ${headFileName} of ${head.head.at} knows entries up to ${head.head.newest}.`
        : ''
    const detail = oldest
      ? `The ends of the trail are missing, so it is not known which entries are.${lost}`
      : 'There is no trail: its ends, which a server writes when it first starts on a database, are missing, and so is every entry. ' +
        `They were deleted, unless no server has started on this database yet.${lost}`
    const fault = { number: oldest?.number ?? 0, kind: 'missing', detail } as const
    return { is_whole: false, entries: 0, oldest: null, newest: null, begun_at: null, fault }
  }
}

function beginning({ forgotten_to, forgotten_hash }: AuditChainRow): TrailPlace {
  return { number: forgotten_to, hash: forgotten_hash }
}

function verdict({ newest, forgotten_to, begun_at }: AuditChainRow, fault: Fault | null): AuditVerdict {
  const entries = Math.max(0, newest - forgotten_to)
  return {
    is_whole: fault === null,
    entries,
    oldest: entries > 0 ? forgotten_to + 1 : null,
    newest: entries > 0 ? newest : null,
    begun_at: begun_at || null,
    fault,
  }
}
