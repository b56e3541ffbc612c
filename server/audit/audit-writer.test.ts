/** Nothing is lost while the database is down, and what is finally lost is reported. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { auditFact, auditSecrets } from '../../test/support/audit.ts'
import { createLogger } from '../platform/logger.ts'
import { AuditChain } from './audit-chain.ts'
import { type NewAuditRow, toRow } from './audit-entry.ts'
import { AuditWriter } from './audit-writer.ts'

const chain = new AuditChain(auditSecrets)

function row(requestId: string, effect: 'read' | 'write' = 'write'): NewAuditRow {
  return toRow(auditFact({ requestId, effect }), chain)
}

function startWriter(logger = createLogger('silent'), settle?: () => Promise<void>) {
  const database = { isAway: false, silence: Promise.resolve(), commits: [] as string[][], tries: 0 }
  const writer = new AuditWriter({
    trail: {
      append: async rows => {
        database.tries++
        await new Promise(setImmediate)
        await database.silence
        if (database.isAway) throw new Error('connection refused')
        database.commits.push(rows.map(({ request_id }) => request_id))
        return { number: database.commits.flat().length, hash: '' }
      },
    },
    settle,
    logger,
    written: () => undefined,
    lost: count => row(`${count} lost`),
  })
  onTestFinished(() => writer.stop())
  return { writer, database }
}

/** Fakes timers, but not turns of the event loop. */
function fakeTimers() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  return { advance: (ms: number) => vi.advanceTimersByTime(ms) }
}

/** Everything awaited here happens in this process, within few turns of its loop. */
async function until(isSo: () => boolean): Promise<void> {
  for (let turns = 0; !isSo(); turns++) {
    if (turns > 100_000) throw new Error('it never comes to be so')
    await new Promise(setImmediate)
  }
}

test('a reader of the trail waits for no more than what came before, and not for the pause in which reads gather', async () => {
  fakeTimers()
  const { writer, database } = startWriter()
  const read = writer.write(row('a', 'read'))
  // The pause has begun, and its time never passes here.
  for (let turns = 0; turns < 10; turns++) await new Promise(setImmediate)
  expect(database.commits).toEqual([])
  await writer.flush()
  expect(database.commits).toEqual([['a']])
  await read
  await writer.flush()
})

test('what comes at the same time is one commit, in the order in which it came', async () => {
  const { writer, database } = startWriter()
  await Promise.all(['a', 'b', 'c'].map(name => writer.write(row(name))))
  const next = ['d', 'e'].map(name => writer.write(row(name)))
  await new Promise(setImmediate)
  next.push(writer.write(row('f')), writer.write(row('g')))
  await Promise.all(next)
  expect(database.commits).toEqual([
    ['a', 'b', 'c'],
    ['d', 'e'],
    ['f', 'g'],
  ])
})

test('what was only read waits a moment for others, and goes at once with what changes something', async () => {
  const { advance } = fakeTimers()
  const { writer, database } = startWriter()
  const first = writer.write(row('a', 'read'))
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
  const second = writer.write(row('b', 'read'))
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
  expect(database.commits).toEqual([])
  advance(10)
  await Promise.all([first, second])
  expect(database.commits).toEqual([['a', 'b']])
  const third = writer.write(row('c', 'read'))
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
  await Promise.all([third, writer.write(row('d'))])
  expect(database.commits).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ])
  const last = writer.write(row('e', 'read'))
  await Promise.all([writer.stop(), last])
  expect(database.commits.at(-1)).toEqual(['e'])
})

test('a change waits until its entry would survive a power failure, together with all of the same commit', async () => {
  const power = { asked: 0, on: Promise.withResolvers<void>() }
  const settle = () => {
    power.asked++
    return power.on.promise
  }
  const { writer, database } = startWriter(undefined, settle)
  const read = (id: string) => toRow(auditFact({ requestId: id, effect: 'read' }), chain)
  const refused = toRow(auditFact({ requestId: 'no', outcome: 'forbidden', status: 403 }), chain)
  await Promise.all([writer.write(read('r')), writer.write(refused)])
  expect(power.asked).toBe(0)
  const answered: string[] = []
  const changes = ['a', 'b'].map(id => writer.write(row(id)).then(() => answered.push(id)))
  await vi.waitFor(() => expect(power.asked).toBe(1))
  expect([database.commits.at(-1), answered]).toEqual([['a', 'b'], []])
  power.on.resolve()
  await Promise.all(changes)
  expect(power.asked).toBe(1)
})

test('a disk that does not sync is reported, and no caller waits for it forever', async () => {
  const lines: string[] = []
  const logger = createLogger('error', { write: line => void lines.push(line) })
  const { writer } = startWriter(logger, () => Promise.reject(new Error('EIO')))
  expect(await writer.write(row('a'))).toBe(true)
  expect(lines.join('')).toContain('may not survive a power failure')
})

test('while the database is away entries wait in their order, and it says so soon', async () => {
  const { writer, database } = startWriter()
  database.isAway = true
  const first = [writer.write(row('a')), writer.write(row('b'))]
  expect(writer.isFull).toBe(false)
  await vi.waitFor(() => expect(writer.isFull).toBe(true))
  const later = writer.write(row('c'))
  expect(database.commits).toEqual([])
  database.isAway = false
  await vi.waitFor(() => expect(writer.isFull).toBe(false))
  expect(await Promise.all([...first, later])).toEqual([false, false, false])
  await writer.write(row('d'))
  expect(database.commits.flat()).toEqual(['a', 'b', 'c', 'd'])
})

test('a database under load is waited for: everything gets in, in its order, and nothing is refused', async () => {
  const said: string[] = []
  const { writer, database } = startWriter(createLogger('info', { write: line => void said.push(line) }))
  const fake = fakeTimers()
  const entries = Array.from({ length: 6_000 }, (_, index) => writer.write(row(String(index))))
  const answers = Promise.all(entries)
  for (let commits = 1; commits <= 6; commits++) {
    // Each takes the maximum time.
    const slow = Promise.withResolvers<void>()
    database.silence = slow.promise
    await until(() => database.tries === commits)
    fake.advance(29_000)
    expect(writer.isFull).toBe(false)
    slow.resolve()
    await until(() => database.commits.length === commits)
  }
  // No caller waited for them that long.
  expect(new Set(await answers)).toEqual(new Set([false]))
  expect(database.commits.flat()).toEqual(Array.from({ length: 6_000 }, (_, index) => String(index)))
  await until(() => writer.backlog.waiting === 0)
  expect([writer.backlog, said]).toEqual([{ waiting: 0, lost: 0 }, []])
})

test('anyone who comes while a commit takes long waits two seconds of their own', async () => {
  const { writer, database } = startWriter()
  const fake = fakeTimers()
  const slow = Promise.withResolvers<void>()
  database.silence = slow.promise
  const answered: string[] = []
  const write = (name: string) => writer.write(row(name)).then(isWritten => answered.push(`${name} ${isWritten}`))
  const first = write('a')
  fake.advance(1_999)
  const second = write('b')
  await new Promise(setImmediate)
  expect(answered).toEqual([])
  fake.advance(1)
  await first
  expect(answered).toEqual(['a false'])
  slow.resolve()
  await second
  expect(answered).toEqual(['a false', 'b true'])
})

test('a database that says nothing for half a minute counts as one that fails, and what was done is written once when it speaks again', async () => {
  const said: string[] = []
  const { writer, database } = startWriter(
    createLogger('info', { write: line => void said.push(JSON.parse(line).level) }),
  )
  await writer.write(row('before'))
  const fake = fakeTimers()
  const silence = Promise.withResolvers<void>()
  database.silence = silence.promise
  const late = [writer.write(row('a')), writer.write(row('b'))]
  await until(() => database.tries === 2)
  fake.advance(2_000)
  expect(await Promise.all(late)).toEqual([false, false])
  expect(writer.isFull).toBe(false)
  fake.advance(28_000)
  expect(writer.isFull).toBe(true)
  expect(await writer.write(row('c'))).toBe(false)
  silence.resolve()
  await until(() => !writer.isFull)
  expect(await writer.write(row('d'))).toBe(true)
  expect(database.commits.flat()).toEqual(['before', 'a', 'b', 'c', 'd'])
  expect(said).toEqual(['error', 'info'])
})

test('a disk that settles late shuts the door only when it says nothing, and not for good', async () => {
  const power = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  const { writer } = startWriter(undefined, () => {
    asked.resolve()
    return power.promise
  })
  const fake = fakeTimers()
  const changed = writer.write(row('a'))
  await asked.promise
  fake.advance(3_000)
  await expect(changed).resolves.toBe(false)
  expect(writer.isFull).toBe(false)
  fake.advance(30_000)
  expect(writer.isFull).toBe(true)
  power.resolve()
  // While it is full no change is accepted, so it has to recover on its own.
  await until(() => writer.backlog.waiting === 0)
  expect(writer.isFull).toBe(false)
})

test('it holds a bounded number, refuses the rest, and notes how many were lost', async () => {
  const { writer, database } = startWriter()
  database.isAway = true
  const kept = Array.from({ length: 12_000 }, (_, index) => writer.write(row(String(index))))
  expect(writer.isFull).toBe(true)
  await expect(writer.write(row('beyond'))).rejects.toMatchObject({ code: 'overloaded' })
  await expect(writer.write(row('beyond'))).rejects.toMatchObject({ code: 'overloaded' })
  database.isAway = false
  await Promise.all(kept)
  const written = database.commits.flat()
  expect(written.filter(name => !name.endsWith('lost'))).toEqual(Array.from({ length: 12_000 }, (_, at) => String(at)))
  expect(written.filter(name => name.endsWith('lost'))).toEqual(['2 lost'])
})

test('at the end what waits is written, and given up when the database is away', async () => {
  const { writer, database } = startWriter()
  const last = writer.write(row('a'))
  await writer.stop()
  await last
  expect(database.commits).toEqual([['a']])
  const other = startWriter()
  other.database.isAway = true
  const lost = other.writer.write(row('b'))
  lost.catch(() => undefined)
  await vi.waitFor(() => expect(other.database.tries).toBeGreaterThan(0))
  await other.writer.stop()
  await expect(lost).rejects.toMatchObject({ code: 'overloaded' })
})
