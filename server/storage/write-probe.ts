/** Writes to the database for no other reason than to know whether it takes writes. */
import type { Database } from '../platform/database/database.ts'

declare module '../platform/database/tables.ts' {
  interface Tables {
    write_probe: WriteProbeRow
  }
}

/** One row, written to know whether the database takes writes. */
interface WriteProbeRow {
  id: number
  at: string
  filler: string
}

/** Sixteen pages of SQLite: where they find room, so does what waits. */
const fillerSize = 64 * 1024

/**
 * Overwrites one small row. After a fault it must also find room for more, which it gives back.
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
