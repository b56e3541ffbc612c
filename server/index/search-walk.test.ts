/** How many buckets of PostgreSQL are asked together: as many as will do, unless much would be read or found for one statement. */
import { Kysely } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { postgresDialect } from '../platform/database/postgres-dialect.ts'
import { bucketSpan, type FullText, type TextMatch } from './full-text.ts'
import { phraseOf } from './fulltext.ts'
import type { IndexTables } from './index-tables.ts'
import { SearchWalk } from './search-walk.ts'

const match: TextMatch = { kind: 'phrase', phrase: phraseOf('tea', false)!, fields: ['body'] }
const plan = {
  match,
  matches: [match],
  rest: 'none' as const,
  marks: undefined,
  first: 0,
  end: bucketSpan(99)[1],
  conditions: () => [],
}

/** In a search without enough hits, of 80 buckets of 1,000 messages. No message is looked for, so that no database is asked. */
async function askedTogether(bytes: number): Promise<number[]> {
  const db = new Kysely<IndexTables>({ dialect: postgresDialect('postgres://127.0.0.1:1/none') })
  onTestFinished(() => db.destroy())
  const asked: number[] = []
  const fullText = {
    sizes: async () => new Map(Array.from({ length: 80 }, (_, at) => [at, 1_000])),
    hits: async (_db: unknown, _account: number, buckets: readonly number[]) => {
      asked.push(buckets.length)
      return { rows: () => [], table: () => expect.unreachable(), bytes: bytes * buckets.length }
    },
  } as unknown as FullText
  expect(await new SearchWalk({ db, account: 1 }, fullText, plan).rows(plan.end, 10)).toEqual([])
  return asked
}

test('without a hit eight times as many messages each time, unless their words are many megabytes', async () => {
  expect(await askedTogether(100)).toEqual([2, 16, 62])
  expect(await askedTogether(1024 * 1024)).toEqual([2, ...Array(9).fill(8), 6])
  expect(await askedTogether(3 * 1024 * 1024)).toEqual(Array(40).fill(2))
  expect(await askedTogether(9 * 1024 * 1024)).toEqual([2, ...Array(78).fill(1)])
})
