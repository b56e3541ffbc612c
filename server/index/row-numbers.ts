/** Allocates row ids that follow the date, so that reading in their order is newest first without sorting. */
import { lists } from './bulk-rows.ts'
import type { IndexChange } from './change-log.ts'
import { fixedStatement } from './fixed-statement.ts'
import { freeNumber } from './free-number.ts'

/** Seconds whose last allocated row id is remembered; past it, the oldest entry is evicted. */
const maxRemembered = 1_000
/** Upper bound for dates, which no real one reaches; keeps row ids far below `Number.MAX_SAFE_INTEGER`. */
const mostSeconds = 2 ** 40

/** Row id allocator of one account, kept while its database is open. */
export class RowNumbers {
  readonly #last = new Map<number, number>()

  /** Returns each second itself or the next free number, in few queries even if 100,000 messages share a second. */
  async take(change: IndexChange, seconds: readonly number[]): Promise<number[]> {
    const wanted = seconds.map(second => Math.min(Math.max(second, 1), mostSeconds))
    const inTable = await takenRows(change, [...new Set(wanted)])
    const inBatch = new Set<number>()
    const isTaken = async (rowid: number) => inBatch.has(rowid) || (await takenRows(change, [rowid])).has(rowid)
    const taken: number[] = []
    for (const second of wanted) {
      const isFree = !inTable.has(second) && !inBatch.has(second)
      const rowid = isFree ? second : await this.#next(second, isTaken)
      inBatch.add(rowid)
      taken.push(rowid)
    }
    return taken
  }

  async #next(second: number, isTaken: (rowid: number) => Promise<boolean>): Promise<number> {
    const last = this.#last.get(second) ?? second
    // The remembered row may have been rolled back or removed.
    const from = (await isTaken(last)) ? last : second
    const rowid = await freeNumber(from, isTaken)
    if (this.#last.size >= maxRemembered) this.#last.delete(this.#last.keys().next().value!)
    this.#last.set(second, rowid)
    return rowid
  }
}

async function takenRows({ db, account }: IndexChange, rowids: readonly number[]): Promise<Set<number>> {
  const taken = new Set<number>()
  for (const piece of lists(rowids)) {
    for (const { rowid } of await rowsAt(db, account, piece)) taken.add(rowid)
  }
  return taken
}

const rowsAt = fixedStatement((db, account: number, rowids: readonly number[]) =>
  db.selectFrom('messages').select('rowid').where('account', '=', account).where('rowid', 'in', rowids),
)
