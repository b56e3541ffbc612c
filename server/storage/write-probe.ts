/** Writes to the database only to probe whether it accepts writes. */
import type { Database } from '../platform/database/database.ts'

declare module '../platform/database/tables.ts' {
  interface Tables {
    write_probe: WriteProbeRow
  }
}

/** The row of the probe. */
interface WriteProbeRow {
  id: number
  at: string
  filler: string
}

/** Sixteen pages of SQLite: if there is space for them, there is for pending writes. */
const fillerSize = 64 * 1024

/**
 * Overwrites one small row. After a fault it must also find space for more, which it frees again.
 * @throws whatever the database throws.
 */
export async function probeWrite(db: Database, { hadFault }: { hadFault: boolean }): Promise<void> {
  await save(db, hadFault ? 'x'.repeat(fillerSize) : '')
  if (hadFault) await save(db, '')
}

async function save(db: Database, filler: string): Promise<void> {
  const row = { at: new Date().toISOString(), filler }
  await db
    .insertInto('write_probe')
    .values({ id: 1, ...row })
    .onConflict(conflict => conflict.column('id').doUpdateSet(row))
    .execute()
}
