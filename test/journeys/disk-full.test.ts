/**
 * A full disk: no request hangs, changes are refused, reading goes on, and nothing is lost when there is room again.
 */
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import type { DashboardStats } from '../../contract/metrics.ts'
import { type Database, openServerDatabase } from '../../server/platform/database/database.ts'
import type { DatabaseObserver } from '../../server/platform/database/database-health.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { startApp } from '../support/people.ts'
import { tempDir } from '../support/temp-dir.ts'

const disconnectPath = (id: string) => api.clients.disconnectClient.path.replace('{client_id}', id)

/** SQLite itself reports that the disk is full, as it does when the file can grow no more. */
async function startOnSmallDisk() {
  const dir = tempDir('disk')
  onTestFinished(() => dir.remove())
  const opened = Promise.withResolvers<Database>()
  const open = (observer: DatabaseObserver) => {
    const url = `sqlite:${dir.path}/rustymail.db`
    const database = openServerDatabase({ url, observer, died: error => opened.reject(error) })
    opened.resolve(database)
    return database
  }
  const lines: string[] = []
  const logger = createLogger('info', { write: line => void lines.push(line) })
  const running = await startApp({ overrides: { openDatabase: open, logger } })
  const database = await opened.promise
  const number = async (pragma: string) => {
    const { rows } = await sql.raw<Record<string, number>>(`pragma ${pragma}`).execute(database)
    return Object.values(rows[0] ?? {})[0]!
  }
  const setRoom = async (pages: number) => number(`max_page_count = ${(await number('page_count')) + pages}`)
  return { ...running, setRoom, said: (words: string) => lines.filter(line => line.includes(words)) }
}

test('when the disk is full what was done is answered soon, nothing more is done, and the trail is whole in the end', async () => {
  const { people, setRoom, said } = await startOnSmallDisk()
  const { admin } = people
  // Many clients to disconnect, which needs no database itself.
  for (let count = 0; count < 90; count++) {
    await people.ask({ ...admin, 'user-agent': `probe-${count}` }, 'GET', api.metrics.getStats.path)
  }
  const connected = async () => {
    const path = `${api.clients.listClients.path}?filter=probe-&per_page=100`
    const { clients } = await people.tell<{ clients: { id: string }[] }>(admin, 'GET', path)
    return clients.map(({ id }) => id)
  }
  const noted = async () => {
    const path = `${api.audit.listAudit.path}?operation=clients.disconnectClient&outcome=ok&limit=100`
    const { items } = await people.tell<{ items: { request_id: string }[] }>(admin, 'GET', path)
    return items.map(item => item.request_id).sort()
  }
  const ids = await connected()
  expect(ids.length).toBe(90)

  await setRoom(0)
  const done: string[] = []
  let refused: string | undefined
  for (const id of ids) {
    const { status, headers, text } = await people.ask(admin, 'DELETE', disconnectPath(id))
    if (status === 204) done.push(headers.get('x-request-id')!)
    else refused = `${status} ${text}`
    if (refused !== undefined) break
  }
  // Changes made while that was being detected are answered as done, and their entries wait.
  expect(refused).toMatch(/^503 .*"detail":"The audit trail cannot be written/)
  expect(done.length).toBeGreaterThan(0)
  expect(await noted()).toEqual(done.slice(0, -1).sort())
  expect(said('only reads are accepted')).toHaveLength(1)

  const left = await connected()
  expect(left).toHaveLength(90 - done.length)
  const attempts = await Promise.all(left.slice(0, 20).map(id => people.ask(admin, 'DELETE', disconnectPath(id))))
  expect(new Set(attempts.map(({ status }) => status))).toEqual(new Set([503]))
  expect(attempts[0]!.headers.get('retry-after')).toBe('10')
  expect(await connected()).toHaveLength(left.length)
  expect((await people.ask(admin, 'GET', api.accounts.listAccounts.path)).status).toBe(200)
  // The server reports that it accepts no work, and a health check says why.
  const ready = await people.ask({}, 'GET', api.system.ready.path)
  expect([ready.status, JSON.parse(ready.text).parts.database]).toEqual([
    503,
    { ok: false, detail: 'cannot be written: the disk is full' },
  ])
  const storage = async () => {
    const stats = await people.tell<DashboardStats>(admin, 'GET', api.metrics.getStats.path)
    return stats.storage
  }
  expect(await storage()).toMatchObject({ is_writable: false, fault: 'full' })
  const failures = (await storage()).write_failures
  expect(failures).toBeGreaterThan(0)
  const metrics = await people.ask(admin, 'GET', '/metrics')
  expect(metrics.text).toContain('rustymail_database_writable 0\n')
  // A pending message is logged once a second at most.
  await expect.poll(() => said('cannot be written: the disk is full')).toHaveLength(1)

  await setRoom(10_000)
  const again = async () => {
    const { status, headers } = await people.ask(admin, 'DELETE', disconnectPath(left[0]!))
    if (status === 204) done.push(headers.get('x-request-id')!)
    return status
  }
  await expect.poll(again).toBe(204)
  expect(await noted()).toEqual(done.toSorted())
  expect(await people.tell(admin, 'POST', api.audit.verifyAudit.path)).toMatchObject({ is_whole: true })
  expect(said('the audit trail can be written again')).toHaveLength(1)
  await expect.poll(async () => (await people.ask({}, 'GET', api.system.ready.path)).status).toBe(200)
  expect(await storage()).toMatchObject({ is_writable: true, fault: null })
  expect((await storage()).write_failures).toBeGreaterThanOrEqual(failures)
  // The alert could not be stored while the disk was full.
  const raised = async () => {
    const { items } = await people.tell<{ items: { type: string }[] }>(
      admin,
      'GET',
      `${api.events.listFacts.path}?limit=20`,
    )
    return items.map(({ type }) => type).filter(type => type.startsWith('alert_'))
  }
  await expect.poll(raised).toEqual(['alert_cleared', 'alert_raised'])
})

test('a change that itself finds no room is refused as such, and is not half done', async () => {
  const { people, setRoom } = await startOnSmallDisk()
  await setRoom(0)
  const somebody = { name: 'Somebody', role: 'viewer', accounts: [] }
  const invite = (at: number) =>
    people.ask(people.admin, 'POST', api.users.inviteUser.path, { ...somebody, email: `p${at}@example.com` })
  let count = 0
  let answer = await invite(count)
  while (answer.status === 201 && count < 200) answer = await invite(++count)
  expect([answer.status, JSON.parse(answer.text).code]).toEqual([503, 'overloaded'])
  expect(answer.text).toMatch(/disk of the database is full|audit trail cannot be written/)
  const { items } = await people.tell<{ items: object[] }>(people.admin, 'GET', api.users.listUsers.path)
  expect(items.length).toBeGreaterThanOrEqual(count + 1)
  await setRoom(10_000)
  await expect.poll(async () => (await invite(300)).status).toBe(201)
})
