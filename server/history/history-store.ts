/** Frames, blocks, series and marks in the database. */
import { sql } from 'kysely'
import type { Database } from '../platform/database/database.ts'
import type { BlockRow, FrameRow, MarkRow, SeriesRow } from './history-tables.ts'

/** Rows per statement. */
const rowsAtOnce = 500

export class HistoryStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  transaction<T>(work: (transaction: Database) => Promise<T>): Promise<T> {
    return this.#db.transaction().execute(work)
  }

  /** Returns the series with numbers above one. */
  async listSeries(above = 0): Promise<SeriesRow[]> {
    return this.#db.selectFrom('history_series').selectAll().where('id', '>', above).execute()
  }

  /** @returns The rows of these keys, with missing ones inserted. */
  async ensureSeries(transaction: Database, keys: readonly string[]): Promise<SeriesRow[]> {
    const rows: SeriesRow[] = []
    for (const some of pieces(keys)) {
      const { last } = await transaction
        .selectFrom('history_series')
        .select(({ fn }) => fn.max<number | null>('id').as('last'))
        .executeTakeFirstOrThrow()
      await transaction
        .insertInto('history_series')
        .values(some.map((key, place) => ({ id: Number(last ?? 0) + 1 + place, key })))
        .onConflict(conflict => conflict.column('key').doNothing())
        .execute()
      rows.push(...(await transaction.selectFrom('history_series').selectAll().where('key', 'in', some).execute()))
    }
    return rows
  }

  async findFrame(key: Omit<FrameRow, 'bytes'>, db: Database = this.#db): Promise<FrameRow | undefined> {
    const { step, start, writer } = key
    return db
      .selectFrom('history_frames')
      .selectAll()
      .where('step', '=', step)
      .where('start', '=', start)
      .where('writer', '=', writer)
      .executeTakeFirst()
  }

  async putFrame(transaction: Database, row: FrameRow): Promise<void> {
    await transaction
      .insertInto('history_frames')
      .values(row)
      .onConflict(conflict => conflict.columns(['step', 'start', 'writer']).doUpdateSet({ bytes: row.bytes }))
      .execute()
  }

  /** Returns frames from `from` to before `until`, oldest first. */
  async listFrames(step: number, from: number, until: number, writer?: number): Promise<FrameRow[]> {
    const rows = await this.#db
      .selectFrom('history_frames')
      .selectAll()
      .where('step', '=', step)
      .where('start', '>=', from)
      .where('start', '<', until)
      .$if(writer !== undefined, query => query.where('writer', '=', writer!))
      .orderBy('start')
      .execute()
    return rows.map(row => ({ ...row, start: Number(row.start) }))
  }

  async putBlocks(transaction: Database, rows: readonly BlockRow[]): Promise<void> {
    for (const some of pieces(rows)) {
      await transaction
        .insertInto('history_blocks')
        .values(some)
        .onConflict(conflict =>
          conflict
            .columns(['series', 'step', 'start', 'writer'])
            .doUpdateSet(({ ref }) => ({ bytes: ref('excluded.bytes') })),
        )
        .execute()
    }
  }

  async listBlocks(series: readonly number[], step: number, from: number, until: number): Promise<BlockRow[]> {
    const rows: BlockRow[] = []
    for (const some of pieces(series)) {
      rows.push(
        ...(await this.#db
          .selectFrom('history_blocks')
          .selectAll()
          .where('series', 'in', some)
          .where('step', '=', step)
          .where('start', '>=', from)
          .where('start', '<', until)
          .execute()),
      )
    }
    return rows.map(row => ({ ...row, start: Number(row.start) }))
  }

  async deleteFrames(transaction: Database, step: number, from: number, until: number, writer?: number): Promise<void> {
    await transaction
      .deleteFrom('history_frames')
      .where('step', '=', step)
      .where('start', '>=', from)
      .where('start', '<', until)
      .$if(writer !== undefined, query => query.where('writer', '=', writer!))
      .execute()
  }

  async deleteBlocks(step: number, until: number): Promise<void> {
    await this.#db.deleteFrom('history_blocks').where('step', '=', step).where('start', '<', until).execute()
  }

  /** Returns the start of the oldest and the newest frame of a step; undefined if there is none. */
  async boundsOf(step: number, writer: number): Promise<{ oldest: number; newest: number } | undefined> {
    const frames = await this.#db
      .selectFrom('history_frames')
      .select(({ fn }) => [fn.min<number | null>('start').as('oldest'), fn.max<number | null>('start').as('newest')])
      .where('step', '=', step)
      .where('writer', '=', writer)
      .executeTakeFirstOrThrow()
    if (frames.oldest === null || frames.newest === null) return undefined
    return { oldest: Number(frames.oldest), newest: Number(frames.newest) }
  }

  async newestBlock(step: number, writer: number): Promise<number | undefined> {
    const { newest } = await this.#db
      .selectFrom('history_blocks')
      .select(({ fn }) => fn.max<number | null>('start').as('newest'))
      .where('step', '=', step)
      .where('writer', '=', writer)
      .executeTakeFirstOrThrow()
    return newest === null ? undefined : Number(newest)
  }

  /**
   * Deletes series without blocks; runs once a day. The newest one stays, so that no number is ever given to another
   * series. @returns Their number.
   */
  async deleteUnused(isUsedNow: (id: number) => boolean): Promise<number> {
    const rows = await this.#db
      .selectFrom('history_series')
      .select('id')
      .where('id', '<', ({ selectFrom }) =>
        selectFrom('history_series as newest').select(({ fn }) => fn.max<number>('newest.id').as('last')),
      )
      .where(({ not, exists, selectFrom }) =>
        not(exists(selectFrom('history_blocks').select(sql`1`.as('one')).whereRef('series', '=', 'history_series.id'))),
      )
      .execute()
    const unused = rows.map(({ id }) => id).filter(id => !isUsedNow(id))
    for (const some of pieces(unused)) {
      await this.#db.deleteFrom('history_series').where('id', 'in', some).execute()
    }
    return unused.length
  }

  /** Inserts marks; existing ones stay as they are. */
  async addMarks(rows: readonly MarkRow[]): Promise<void> {
    for (const some of pieces(rows)) {
      const insert = this.#db.insertInto('history_marks').values(some)
      await insert.onConflict(conflict => conflict.column('id').doNothing()).execute()
    }
  }

  /** Returns the newest first. */
  async listMarks(from: number, until: number, limit: number): Promise<MarkRow[]> {
    const rows = await this.#db
      .selectFrom('history_marks')
      .selectAll()
      .where('at', '>=', from)
      .where('at', '<', until)
      .orderBy('at', 'desc')
      .limit(limit)
      .execute()
    return rows.map(row => ({ ...row, at: Number(row.at) }))
  }

  async deleteMarks(until: number): Promise<void> {
    await this.#db.deleteFrom('history_marks').where('at', '<', until).execute()
  }
}

function* pieces<Item>(items: readonly Item[]): Generator<Item[]> {
  for (let from = 0; from < items.length; from += rowsAtOnce) yield items.slice(from, from + rowsAtOnce)
}
