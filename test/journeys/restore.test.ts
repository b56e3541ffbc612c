/**
 * A restore keeps what was there, refuses an incomplete backup, and is completed by running it again wherever it was
 * killed.
 */
import { once } from 'node:events'
import { copyFileSync, cpSync, readFileSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { finishRestore, prepareRestore } from '../../server/backup/restore-backup.ts'
import { writeJournal } from '../../server/backup/restore-moves.ts'
import { checkKey, judgeKey } from '../../server/key-rotation.ts'
import { migrations } from '../../server/migrations.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { addAccount, backupHome, emailsOf, expectRefusal, invite } from '../support/backup-home.ts'
import { spawnRustyMail } from '../support/rustymail.ts'

test('a restore over data keeps it beside, says which entries are lost, and is refused while a server runs', async () => {
  const { dataDir, database, place, names, run, start, startHere } = backupHome()
  const file = place('backup.db')
  const first = await start()
  await addAccount(first)
  expect((await run(['backup', file])).code).toBe(0)
  await invite(first, 'late@example.com')
  expectRefusal(await run(['restore', file]), 'is running on this data directory')
  await first.stop()
  const there = names()
  expectRefusal(await run(['restore', file]), `${database} already exists`)
  expect(names()).toEqual(there)

  const restored = await run(['restore', file, '--force'])
  expect(restored).toMatchObject({ code: 0, stderr: '' })
  expect(restored.stdout).toMatch(
    /Entries \d+ to \d+, which came after the backup, are not in it\.\nThe previous files are kept: /,
  )
  expect(await run(['audit', 'verify'])).toMatchObject({ code: 0 })
  const second = await startHere()
  expect(await emailsOf(second)).not.toContain('late@example.com')
  const { items } = await second.call(api.audit.listAudit, { query: { operation: 'cli.restoreBackup' } })
  expect(items[0]!.refs.missing).toMatch(/^\d+ to \d+$/)
  await second.stop()

  // What was kept works as before.
  for (const name of names()) {
    const [, as] = /^(.+)\.before-restore-\w+$/.exec(name) ?? []
    if (as !== undefined) renameSync(join(dataDir, name), join(dataDir, as))
  }
  const third = await startHere()
  expect(await emailsOf(third)).toContain('late@example.com')
  expect(await third.call(api.audit.verifyAudit)).toMatchObject({ is_whole: true })
})

test('what is damaged, cut short, changed, newer or no backup at all is refused in one line, and nothing is written', async () => {
  const { database, destroy, place, names, run, start } = backupHome()
  const server = await start()
  await addAccount(server)
  const file = place('backup.db')
  expect((await run(['backup', file])).code).toBe(0)
  await server.stop()
  const spoiled = (name: string, spoil: (path: string) => void) => {
    copyFileSync(file, place(name))
    spoil(place(name))
    return place(name)
  }
  const change = (statement: string) => (path: string) => {
    const db = new DatabaseSync(path)
    db.exec(statement)
    db.close()
  }
  const size = statSync(file).size
  const cases: [string, string][] = [
    [spoiled('half', path => truncateSync(path, size / 2)), 'cannot be restored'],
    [spoiled('page', path => overwrite(path, 3 * 4096, Buffer.alloc(4096, 7))), 'cannot be restored'],
    [spoiled('letter', flipName), 'it was damaged or changed'],
    [spoiled('row', change("update users set role = 'viewer'")), 'it was damaged or changed'],
    [
      spoiled('trigger', change('create trigger t after delete on user_links begin delete from users; end')),
      'it was damaged or changed',
    ],
    [spoiled('rows', change('delete from sessions')), 'it should hold 1 rows of sessions, and holds 0'],
    [spoiled('text', path => writeFileSync(path, 'not a database at all\n'.repeat(500))), 'file is not a database'],
    [spoiled('empty', path => truncateSync(path, 0)), 'it was not made by "rustymail backup"'],
    [
      spoiled('newer', change("insert into kysely_migration values ('9999-later', '2030')")),
      'newer than this program: it has 9999-later',
    ],
    [
      spoiled('format', change(`update rustymail_backup set note = replace(note, '"format":2', '"format":3')`)),
      'a newer RustyMail made it',
    ],
    [spoiled('plain', path => copyFileSync(database, path)), 'it was not made by "rustymail backup"'],
    [place('missing'), 'there is no file'],
  ]
  destroy()
  for (const [path, words] of cases) {
    expectRefusal(await run(['restore', path]), words)
    expect([path, names()]).toEqual([path, []])
  }
  expect((await run(['restore', file])).code).toBe(0)
})

function overwrite(path: string, at: number, bytes: Buffer): void {
  const content = readFileSync(path)
  bytes.copy(content, at)
  writeFileSync(path, content)
}

/** Changes one letter of a text, which no structure of the file reveals. */
function flipName(path: string): void {
  const at = readFileSync(path).indexOf('Ada Admin')
  expect(at).toBeGreaterThan(0)
  overwrite(path, at, Buffer.from('E'))
}

test('a restore that was killed, wherever that was, is finished by running it again, and no server starts before', async () => {
  const { dataDir, database, destroy, place, names, run, spawn: begin, start, startHere } = backupHome()
  const server = await start()
  await addAccount(server)
  const file = place('backup.db')
  expect((await run(['backup', file])).code).toBe(0)
  await invite(server, 'late@example.com')
  await server.stop('SIGKILL')

  // Killed while it prepares the restored files; on a busy machine it may have finished by then.
  const { child, ended } = begin(['restore', file, '--force'])
  const hasBegun = () => names().some(name => name.includes('restor'))
  await expect.poll(hasBegun, { interval: 1 }).toBe(true)
  child.kill('SIGKILL')
  await ended
  expect((await run(['restore', file, '--force'])).code).toBe(0)
  expect(await run(['audit', 'verify'])).toMatchObject({ code: 0 })
  expect(names().filter(name => /restoring|restore\.json/.test(name))).toEqual([])

  const request = { file, database, dataDir, givenKey: undefined, keyFrom: undefined, force: true }
  const surroundings = {
    judgeKey,
    migrations,
    checkKey: (...[db, secrets, head]: Parameters<Parameters<typeof prepareRestore>[1]['checkKey']>) =>
      checkKey(db, { secrets, keep: undefined }, head),
    stopOutbox: async () => 0,
    logger: createLogger('silent'),
    now: Date.now,
  }
  const old = readFileSync(database)
  cpSync(dataDir, place('before'), { recursive: true })
  /** Recreates the state after `count` moves, as if it had been killed there. Returns all moves. */
  const killedAfter = async (count: number) => {
    destroy()
    cpSync(place('before'), dataDir, { recursive: true })
    const { plan } = await prepareRestore(request, surroundings)
    writeJournal(join(dataDir, 'restore.json'), plan)
    for (const { from, to } of plan.moves.slice(0, count)) renameSync(from, to)
    return plan.moves
  }
  const expectAllInPlace = ({ length }: readonly object[]) => {
    const later = names().filter(name => !/before/.test(name))
    expect([length, later]).toEqual([6, ['audit.head', 'rustymail.db', 'secret.key']])
    const kept = names().find(name => /^rustymail\.db\.before-restore-\w+$/.test(name) && !there.includes(name))
    expect(readFileSync(join(dataDir, kept!)).equals(old)).toBe(true)
    expect(readFileSync(database).equals(old)).toBe(false)
  }
  const there = names()
  for (let count = 0; count <= 6; count++) {
    const moves = await killedAfter(count)
    expect(finishRestore({ file, dataDir })).toMatchObject({ backup: file })
    expectAllInPlace(moves)
    expect(finishRestore({ file, dataDir })).toBeUndefined()
  }
  const moves = await killedAfter(4)
  const { child: refused, log } = spawnRustyMail({ dataDir })
  expect(await once(refused, 'close')).toEqual([78, null])
  expect(log()).toMatch(/^RustyMail was not started: a restore was interrupted[^\n]+\n$/)
  for (const words of [
    ['audit', 'verify'],
    ['backup', place('b.db')],
  ]) {
    expectRefusal(await run(words), 'a restore was interrupted')
  }
  expectRefusal(await run(['restore', place('another')]), `"rustymail restore ${file}"`)
  expect(await run(['restore', file])).toMatchObject({ code: 0, stdout: expect.stringContaining('is finished') })
  expectAllInPlace(moves)
  expect(await run(['audit', 'verify'])).toMatchObject({ code: 0 })
  expect((await (await startHere()).call(api.accounts.listAccounts)).items).toHaveLength(1)
})
