/** Suite for `fixedStatement`: a statement compiled once returns the same as one compiled for each call. */
import { expect, test } from 'vitest'
import type { IndexWorld } from '../../test/support/index-world.ts'
import { fixedStatement } from './fixed-statement.ts'

export function fixedStatementSuite(world: IndexWorld): void {
  test('values and items of lists go where they were put, and what is always the same stays', async () => {
    const { use } = await world.open()
    await use(async (_store, db, account) => {
      for (let number = 1; number <= 6; number++) {
        const texts = new Uint8Array([number])
        await db
          .insertInto('text_blocks')
          .values({ account, number, bytes: number % 2, texts })
          .execute()
      }
      let written = 0
      const numbersIn = fixedStatement((each, first: number, numbers: readonly number[], of: number) => {
        written++
        const blocks = each.selectFrom('text_blocks').select('number').where('bytes', '=', 1)
        return blocks
          .where('number', 'in', numbers)
          .where('account', '=', of)
          .where('number', '>=', first)
          .orderBy('number')
      })
      const ask = async (...given: [number, number[]]) =>
        (await numbersIn(db, ...given, account)).map(({ number }) => number)
      expect([await ask(2, [1, 3, 5]), await ask(1, [5, 1, 2]), written]).toEqual([[3, 5], [1, 5], 1])
      expect([await ask(1, [3]), await ask(4, [3]), written]).toEqual([[3], [], 2])
      const elsewhere = await numbersIn(db, 1, [3], account + 1_000)
      expect([elsewhere, written]).toEqual([[], 2])
      const inside = await db.transaction().execute(transaction => numbersIn(transaction, 1, [5], account))
      expect([inside, written]).toEqual([[{ number: 5 }], 2])
    })
  })
}
