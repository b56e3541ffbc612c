/** How often the database is asked: counted in the running server, so that it does not creep up. */
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { CountedDatabase } from '../support/counted-database.ts'
import { runApp } from '../support/people.ts'
import { administrator } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'

test('a sign-in reads its user once, and opens the session in one transaction', async () => {
  const dir = tempDir('statements')
  const counted = new CountedDatabase(`sqlite:${dir.path}/test.db`)
  const { openDatabase, statements: asked } = counted
  const { app, stop } = await runApp({ overrides: { openDatabase } })
  onTestFinished(async () => {
    await stop()
    dir.remove()
  })
  const { email, password } = administrator
  asked.length = 0
  // The answer leaves when the trail has it.
  const answer = await fetch(app.address + api.access.openSession.path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  })
  expect(answer.status).toBe(201)
  const ofAccess = asked.filter(statement => /(users|sessions)$/.test(statement))
  expect(ofAccess).toEqual(['select users', 'delete sessions', 'update users', 'insert sessions', 'delete sessions'])
  // And the trail: what is over of it is read and moved in one transaction.
  expect(asked.filter(statement => /audit/.test(statement)).length).toBeLessThanOrEqual(4)
})
