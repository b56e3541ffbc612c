/** Faults of lower layers are reported as such, and not as bugs. */
import { DatabaseSync } from 'node:sqlite'
import { sql } from 'kysely'
import { expect, inject, onTestFinished, test, vi } from 'vitest'
import { onEachDatabase } from '../../../test/support/databases.ts'
import { freePort } from '../../../test/support/free-port.ts'
import { openDatabase } from '../database/database.ts'
import { createLogger } from '../logger.ts'
import { noteFault, toProblem } from './http-problem.ts'

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
  // As node-postgres reports it.
  const fullThere = Object.assign(new Error('could not extend file'), { code: '53100' })
  for (const error of [full, fullThere]) {
    expect(toProblem(error)).toMatchObject({ code: 'overloaded', extension: { retryAfterSeconds: 10 }, cause: error })
  }
  expect(wrong).toBeInstanceOf(Error)
  expect(toProblem(wrong)).toBeUndefined()
})

const gone = { code: 'overloaded', extension: { retryAfterSeconds: 5 } }

async function faultAt(url: string): Promise<unknown> {
  const db = openDatabase(url)
  onTestFinished(() => db.destroy())
  return sql`select pg_terminate_backend(pg_backend_pid())`.execute(db).catch((error: unknown) => error)
}

test('a database that is away is an overload, and anything else that hangs up is not the database', async () => {
  const away = await faultAt(`postgres://nobody@127.0.0.1:${await freePort()}/none`)
  expect(toProblem(away)).toMatchObject({ ...gone, cause: away })
  const { code } = away as { code: string }
  expect(code).toBe('ECONNREFUSED')
  for (const elsewhere of [code, 'ECONNRESET', 'EPIPE', 'ETIMEDOUT']) {
    expect(toProblem(Object.assign(new Error('aborted'), { code: elsewhere }))).toBeUndefined()
  }
})

const postgresUrl = inject('postgresUrl')

test.skipIf(postgresUrl === undefined)('so is one that goes away while it is asked', async () => {
  expect(toProblem(await faultAt(postgresUrl!))).toMatchObject(gone)
})

onEachDatabase(open => {
  test('what belongs to something that was deleted meanwhile is not found, and that is in the log', async () => {
    const db = await open()
    const writing = db.insertInto('conversation_parts').values({ answer_id: 'gone', first: 1, parts: '[]' }).execute()
    const error = await writing.catch((thrown: unknown) => thrown)
    const logger = createLogger('silent')
    const warned = vi.spyOn(logger, 'warn')
    const problem = noteFault(logger, error, { id: 'r-1', method: 'POST', url: '/' })
    expect(problem).toMatchObject({ code: 'not_found', status: 404 })
    expect(warned).toHaveBeenCalledOnce()
  })
})
