/** Reads the whole trail once and says whether it is as it was written; else names the first fault. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { z } from 'zod'
import type { auditApi } from '../../contract/audit.ts'
import type { AuditChainRow, AuditRow } from '../platform/database/tables.ts'
import type { AuditChain, TrailPlace } from './audit-chain.ts'
import type { AuditStore } from './audit-store.ts'

export type AuditVerdict = z.infer<typeof auditApi.verifyAudit.response>
type Fault = NonNullable<AuditVerdict['fault']>

/** Entries read at once; between two reads others have their turn. */
const pageSize = 500
const end = Number.MAX_SAFE_INTEGER

export class AuditVerifier {
  readonly #store: AuditStore
  readonly #chain: AuditChain

  constructor({ store, chain }: { store: AuditStore; chain: AuditChain }) {
    this.#store = store
    this.#chain = chain
  }

  /**
   * Entries may be appended and forgotten meanwhile.
   * @param written What the asking process itself has written last: it must still be there.
   */
  async verify(written: TrailPlace = { number: 0, hash: '' }): Promise<AuditVerdict> {
    const ends = await this.#store.findEnds()
    if (!ends) return this.#withoutEnds()
    const [early] = await this.#store.list({ after: -end, before: ends.forgotten_to + 1, limit: 1 })
    if (early) {
      const detail = `Entry ${early.number} stands before the beginning of the trail, which is ${ends.forgotten_to + 1}.`
      return verdict(ends, { number: early.number, kind: 'changed', detail })
    }
    return this.#walk(ends, written)
  }

  async #walk(begun: AuditChainRow, written: TrailPlace): Promise<AuditVerdict> {
    let ends = begun
    let place = beginning(ends)
    while (place.number < ends.newest) {
      const rows = await this.#store.list({ after: place.number, before: ends.newest + 1, limit: pageSize })
      for (const row of rows) {
        if (row.number !== place.number + 1) break
        const fault = await this.#check(place, row, written)
        if (fault) return verdict(ends, fault)
        place = row
      }
      await nextTurn()
      if (rows.length > 0 && place.number === rows.at(-1)?.number) continue
      // The next one is not there: taken out, or forgotten since we began.
      const now = (await this.#store.findEnds()) ?? ends
      if (now.forgotten_to <= place.number) return verdict(ends, await this.#explainGap(place, ends))
      ends = now
      place = beginning(ends)
    }
    return verdict(ends, (await this.#findBeyond(ends)) ?? this.#checkEnds(place, ends, written))
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

  /** An entry behind the end, unless the end has moved on by itself. */
  async #findBeyond(ends: AuditChainRow): Promise<Fault | undefined> {
    const [next] = await this.#store.list({ after: ends.newest, before: end, limit: 1 })
    if (!next) return undefined
    const now = (await this.#store.findEnds()) ?? ends
    if (now.newest >= next.number) return undefined
    const detail = `Entry ${next.number} stands behind the end of the trail, which is ${ends.newest}.`
    return { number: next.number, kind: 'changed', detail }
  }

  #checkEnds(place: TrailPlace, ends: AuditChainRow, written: TrailPlace): Fault | null {
    const { number } = place
    if (number < written.number) {
      const detail = `Entries ${number + 1} to ${written.number}, which this server wrote, are missing.`
      return { number: number + 1, kind: 'missing', detail }
    }
    if (this.#chain.isSealed(ends) && number === ends.newest && place.hash === ends.newest_hash) return null
    const detail =
      'The entries fit together, but the seal of the ends is not ours: entries were cut off at an end, or all written anew, without ' +
      'the secret key; or the secret key is another one now.'
    return { number, kind: 'changed', detail }
  }

  /** The entry that belongs behind a place, under another number. Only looked for when there is a fault: it reads all that follow. */
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
        // One of the same content, which is where it belongs.
        if (row.hash === this.#chain.hash(before, row)) continue
        return { number, kind: 'reordered', detail: `Entry ${number} stands in the place of entry ${row.number}.` }
      }
      if (rows.length < pageSize) return undefined
      await nextTurn()
    }
  }

  /** A trail that was never begun, or one whose ends were taken away. */
  async #withoutEnds(): Promise<AuditVerdict> {
    const [oldest] = await this.#store.list({ after: -end, before: end, limit: 1 })
    const none = { is_whole: true, entries: 0, oldest: null, newest: null, fault: null }
    if (!oldest) return none
    const detail = 'The ends of the trail are missing, so nobody can say which entries are.'
    return { ...none, is_whole: false, fault: { number: oldest.number, kind: 'missing', detail } }
  }
}

function beginning({ forgotten_to, forgotten_hash }: AuditChainRow): TrailPlace {
  return { number: forgotten_to, hash: forgotten_hash }
}

function verdict({ newest, forgotten_to }: AuditChainRow, fault: Fault | null): AuditVerdict {
  const entries = Math.max(0, newest - forgotten_to)
  return {
    is_whole: fault === null,
    entries,
    oldest: entries > 0 ? forgotten_to + 1 : null,
    newest: entries > 0 ? newest : null,
    fault,
  }
}
