/** Faults of what stands below are told as what they are, and not as faults of ours. */
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { toProblem } from './http-problem.ts'

function thrownBy(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}

test('a database without room is an overload, and any other fault of it is none', () => {
  const database = new DatabaseSync(':memory:')
  database.exec('CREATE TABLE t (v); PRAGMA max_page_count = 2')
  const full = thrownBy(() => database.exec('INSERT INTO t VALUES (zeroblob(100000))'))
  const wrong = thrownBy(() => database.exec('INSERT INTO nowhere VALUES (1)'))
  database.close()
  // As node-postgres has it.
  const fullThere = Object.assign(new Error('could not extend file'), { code: '53100' })
  for (const error of [full, fullThere]) {
    expect(toProblem(error)).toMatchObject({ code: 'overloaded', extension: { retryAfterSeconds: 10 }, cause: error })
  }
  expect(wrong).toBeInstanceOf(Error)
  expect(toProblem(wrong)).toBeUndefined()
})
