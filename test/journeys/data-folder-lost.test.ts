/**
 * The files of a running server are moved or deleted: nothing that was acknowledged is lost, and no second server
 * starts on its database.
 */
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import type { Readiness } from '../../contract/system.ts'
import { type RustyMail, spawnRustyMail, startRustyMail } from '../support/rustymail.ts'
import { tempDir } from '../support/temp-dir.ts'

const readiness = async (server: RustyMail) => {
  const response = await fetch(server.url + api.system.ready.path)
  return [response.status, ((await response.json()) as Readiness).parts.database.ok]
}

const invite = (server: RustyMail, name: string) =>
  server.send('POST', api.users.inviteUser.path, { email: `${name}@example.com`, name, role: 'viewer', accounts: [] })

test('a data directory that is moved away takes no more changes, says so, and goes on when it is put back', async () => {
  const server = await startRustyMail()
  const elsewhere = `${server.dataDir}-moved`
  expect((await invite(server, 'before')).status).toBe(201)
  renameSync(server.dataDir, elsewhere)
  await expect.poll(() => readiness(server)).toEqual([503, false])
  // On a busy machine readiness may have fallen for a probe that was only late; the log names what was found.
  await expect.poll(() => server.log()).toContain('its files were removed or replaced')
  const refused = await invite(server, 'between')
  expect([refused.status, await refused.json()]).toMatchObject([503, { code: 'overloaded' }])

  renameSync(elsewhere, server.dataDir)
  await expect.poll(() => readiness(server)).toEqual([200, true])
  await expect.poll(async () => (await invite(server, 'after')).status).toBe(201)
  await server.stop('SIGKILL')
  const next = await startRustyMail({ dataDir: server.dataDir })
  const names = (await next.call(api.users.listUsers)).items.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(['before', 'after']))
  expect(names).not.toContain('between')
})

test('with its locks removed a running server still keeps others away from its data', async () => {
  const server = await startRustyMail()
  const locks = () => readdirSync(server.dataDir).filter(name => name.endsWith('.lock'))
  expect(locks()).toEqual(['rustymail.db.lock', 'rustymail.lock'])
  for (const name of locks()) rmSync(join(server.dataDir, name))
  await expect.poll(locks).toEqual(['rustymail.db.lock', 'rustymail.lock'])
  const second = spawnRustyMail({ dataDir: server.dataDir })
  onTestFinished(() => void second.child.kill('SIGKILL'))
  expect(await once(second.child, 'close')).toEqual([1, null])
  expect(second.log()).toMatch(/another RustyMail \(process \d+\) is running on this data directory/)
  expect((await invite(server, 'still')).status).toBe(201)
})

test('a server that lost its data directory to another ends in words and leaves the files of the other alone', async () => {
  const { path } = tempDir('lost')
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  for (const name of ['one', 'two']) mkdirSync(join(path, name))
  const dataDir = join(path, 'data')
  symlinkSync('one', dataDir)
  const server = await startRustyMail({ dataDir })
  // Otherwise it would write the head of its trail, by that name, beside the other that does the same.
  const head = () => readFileSync(join(dataDir, 'audit.head'), 'utf8')
  await expect.poll(head).toMatch(/"newest":[1-9]/)
  const other = await startRustyMail({ dataDir: join(path, 'two'), isSetUp: false })
  const ended = once(server.process, 'close')
  // In one step: in a directory that has no locks yet, the first server may take them before the other does.
  symlinkSync('two', `${dataDir}-next`)
  renameSync(`${dataDir}-next`, dataDir)
  expect(await ended).toEqual([1, null])
  expect(server.log()).toContain('RustyMail stops: another RustyMail is running on this data directory')
  expect(existsSync(join(other.dataDir, 'rustymail.lock'))).toBe(true)
  await expect.poll(() => readiness(other)).toEqual([200, true])
})

test('a start with a clock that is 463 days ahead forgets nothing of the trail, and says that the clock is ahead', async () => {
  const first = await startRustyMail()
  for (const name of ['ann', 'bob', 'cy']) expect((await invite(first, name)).status).toBe(201)
  const operations = async (server: RustyMail) =>
    (await server.call(api.audit.listAudit, { query: { limit: '100' } })).items.map(({ operation }) => operation)
  const before = await operations(first)
  expect(before.filter(operation => operation === 'users.inviteUser')).toHaveLength(3)
  await first.stop()
  const shift = `const now = Date.now; Date.now = () => now() + 463 * 86_400_000`
  const ahead = `--import=data:text/javascript,${encodeURIComponent(shift)}`
  const second = await startRustyMail({ dataDir: first.dataDir, environment: { NODE_OPTIONS: ahead } })
  await expect.poll(() => second.log()).toContain('the clock is far ahead')
  expect(await operations(second)).toEqual(expect.arrayContaining(before))
})
