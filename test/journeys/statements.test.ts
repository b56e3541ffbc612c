/** How often the database is asked: counted in the running server, so that it does not creep up. */
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { CountedDatabase } from '../support/counted-database.ts'
import { runApp } from '../support/people.ts'
import { administrator } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'

/** Moves the ends of the trail from where they are known to be, and adds an entry behind them. */
const ofTrail = ['update audit_chain', 'insert audit_entries']

async function start() {
  const dir = tempDir('statements')
  const { openDatabase, statements } = new CountedDatabase(`sqlite:${dir.path}/test.db`)
  const { stop, ...running } = await runApp({ overrides: { openDatabase } })
  onTestFinished(async () => {
    await stop()
    dir.remove()
  })
  return { ...running, asked: statements }
}

test('a sign-in reads its user once, and opens the session in one transaction', async () => {
  const { app, asked } = await start()
  const { email, password } = administrator
  asked.length = 0
  // The answer leaves when the trail has it.
  const answer = await fetch(app.address + api.access.openSession.path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  })
  expect(answer.status).toBe(201)
  const ofAccess = ['select users', 'delete sessions', 'update users', 'insert sessions', 'delete sessions']
  expect(asked).toEqual([...ofAccess, ...ofTrail])
})

test('a token is made by one look at its owner and one row, and is known and shown without another look', async () => {
  const { people, asked } = await start()
  asked.length = 0
  const wanted = { name: 'bot', scopes: ['dashboard:read'], accounts: [] }
  const { token } = await people.tell<{ token: string }>(people.admin, 'POST', api.tokens.createToken.path, wanted)
  expect(asked).toEqual(['select users', 'insert api_tokens', ...ofTrail])
  asked.length = 0
  await people.tell({ authorization: `Bearer ${token}` }, 'GET', api.metrics.getStats.path)
  expect(asked.filter(statement => statement.startsWith('select'))).toEqual([])
})
