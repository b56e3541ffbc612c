/** A thread with the database that ends by itself ends the server in words: nothing hangs, and the next start finds all that was answered. */
import type { Worker } from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { startApp } from '../support/people.ts'
import { tempDir } from '../support/temp-dir.ts'

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
  const { app, people } = await startApp({ environment, overrides: { logger } })
  const { email } = await people.invite('viewer')
  await workers[0]!.terminate()
  expect((await app.failed).message).toMatch(/^the thread that writes to the database ended: /)
  const whoever = { name: 'Somebody', role: 'viewer', accounts: [], email: 'somebody@example.com' }
  const refused = await people.ask(people.admin, 'POST', api.users.inviteUser.path, whoever)
  expect([refused.status, JSON.parse(refused.text).code]).toEqual([503, 'draining'])
  await app.stop()
  expect(lines.filter(line => line.includes('did not stop cleanly'))).toEqual([])

  const again = await startApp({ environment })
  expect((await again.people.ask({}, 'GET', api.system.ready.path)).status).toBe(200)
  const stored = await again.people.tell<{ items: { email: string }[] }>(
    again.people.admin,
    'GET',
    api.users.listUsers.path,
  )
  expect(stored.items.map(user => user.email)).toContain(email)
})
