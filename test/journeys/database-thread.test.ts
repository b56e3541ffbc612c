/**
 * A database thread that dies ends the server with a message: nothing hangs, and everything that was answered is kept.
 */
import type { Worker } from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { openDatabase } from '../../server/platform/database/database.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { demandDatabaseThreads } from '../support/hosted-threads.ts'
import { runApp } from '../support/people.ts'
import { tempDir } from '../support/temp-dir.ts'

demandDatabaseThreads()

test('when the thread that writes to the database ends, the server says so, refuses what comes, and stops', async () => {
  const dir = tempDir('thread')
  onTestFinished(() => dir.remove())
  const workers: Worker[] = []
  const collect = (worker: Worker) => void workers.push(worker)
  process.on('worker', collect)
  onTestFinished(() => void process.off('worker', collect))
  const lines: string[] = []
  const logger = createLogger('info', { write: line => void lines.push(line) })
  const environment = { RUSTYMAIL_DATABASE_URL: `sqlite:${dir.path}/rustymail.db` }
  const { app, people, stop } = await runApp({ environment, overrides: { logger } })
  const { email } = await people.invite('viewer')
  await workers[0]!.terminate()
  expect((await app.failed).message).toMatch(/^the thread that writes to the database ended: /)
  const somebody = { name: 'Somebody', role: 'viewer', accounts: [], email: 'somebody@example.com' }
  const refused = await people.ask(people.admin, 'POST', api.users.inviteUser.path, somebody)
  expect([refused.status, JSON.parse(refused.text).code]).toEqual([503, 'draining'])
  await stop()
  expect(lines.filter(line => line.includes('did not stop cleanly'))).toEqual([])

  const db = openDatabase(environment.RUSTYMAIL_DATABASE_URL)
  onTestFinished(() => db.destroy())
  const stored = await db.selectFrom('users').select('email').execute()
  expect(stored.map(user => user.email)).toContain(email)
})
