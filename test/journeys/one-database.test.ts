/** One server per database: a second one would never stop accepting callers that the first has revoked. */
import { once } from 'node:events'
import { join } from 'node:path'
import pg from 'pg'
import { expect, inject, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { newPostgresDatabase, onEachDatabase } from '../support/databases.ts'
import { runCommand } from '../support/run-command.ts'
import { apiKey, spawnRustyMail, startHere, startRustyMail } from '../support/rustymail.ts'
import { administrator } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'

const secretKey = Buffer.alloc(32, 7).toString('base64')

function newDataDir(): string {
  const dir = tempDir('one-database')
  onTestFinished(() => dir.remove())
  return join(dir.path, 'data')
}

onEachDatabase((_open, newUrl) => {
  test('a second server, and commands that write, are refused in one clear line, until the first is gone', async () => {
    const environment = { RUSTYMAIL_DATABASE_URL: await newUrl(), RUSTYMAIL_SECRET_KEY: secretKey }
    const first = await startRustyMail({ environment })
    const dataDir = newDataDir()
    const { child, log } = spawnRustyMail({ dataDir, environment })
    onTestFinished(() => void child.kill('SIGKILL'))
    expect(await once(child, 'close')).toEqual([1, null])
    expect(log()).toMatch(/^RustyMail could not start: another RustyMail runs on this database\.[^\n]*\n$/)

    const { password } = administrator
    const create = ['user', 'create-admin', '--email', 'eve@example.com', '--name', 'Eve']
    const next = { ...environment, RUSTYMAIL_NEW_SECRET_KEY: Buffer.alloc(32, 8).toString('base64') }
    for (const [words, around] of [
      [create, environment],
      [['key', 'rotate'], next],
    ] as const) {
      const refused = await runCommand([...words], { dataDir, environment: around, input: `${password}\n` })
      expect(refused).toMatchObject({ code: 1, stdout: '' })
      expect(refused.stderr).toMatch(/^Failed: another RustyMail runs on this database\.[^\n]*\n$/)
    }
    const verify = (dir: string) => runCommand(['audit', 'verify'], { dataDir: dir, environment })
    expect(await verify(first.dataDir)).toMatchObject({ code: 0 })
    // The trail's head is in the data directory of the first.
    expect(await verify(dataDir)).toMatchObject({ code: 1, stdout: expect.stringContaining('audit.head is missing') })
    expect((await first.send('GET', api.users.listUsers.path)).status).toBe(200)

    await first.stop('SIGKILL')
    const second = await startHere({ dataDir, environment })
    expect((await second.call(api.users.listUsers)).items.map(({ email }) => email)).toEqual([administrator.email])
  })
})

const postgresUrl = inject('postgresUrl')
test.skipIf(postgresUrl === undefined)(
  'a server whose lock is lost goes on when it gets it back, and ends with one clear line when another has it',
  async () => {
    const url = await newPostgresDatabase(postgresUrl!)
    const server = await startRustyMail({ environment: { RUSTYMAIL_DATABASE_URL: url } })
    const other = new pg.Client({ connectionString: url })
    await other.connect()
    onTestFinished(() => other.end())
    const holders = `select pid, classid, objid from pg_locks where locktype = 'advisory' and granted
      and database = (select oid from pg_database where datname = current_database())`
    const holder = async () => (await other.query(holders)).rows[0]
    const before = await holder()
    const end = new pg.Client({ connectionString: url })
    await end.connect()
    onTestFinished(() => end.end())
    await end.query('select pg_terminate_backend($1)', [before.pid])
    await expect.poll(async () => (await holder())?.pid ?? before.pid).not.toBe(before.pid)
    const headers = { authorization: `Bearer ${apiKey}` }
    expect((await fetch(server.url + api.accounts.listAccounts.path, { headers })).status).toBe(200)

    const { pid, classid, objid } = await holder()
    const closed = once(server.process, 'close')
    const taken = other.query('select pg_advisory_lock($1, $2)', [classid, objid])
    await end.query('select pg_terminate_backend($1)', [pid])
    await taken
    expect(await closed).toEqual([1, null])
    const lines = server.log().split('\n')
    expect(
      lines.filter(line => line.startsWith('RustyMail stops: another RustyMail runs on this database')),
    ).toHaveLength(1)
  },
  60_000,
)
