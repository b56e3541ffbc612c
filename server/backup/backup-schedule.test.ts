/** Backups that are made by themselves: when, which are kept, and what becomes of one that fails or is under way at a stop. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { tempDir } from '../../test/support/temp-dir.ts'
import { createLogger } from '../platform/logger.ts'
import { BackupSchedule, listBackups, nextBackup, removeOldBackups } from './backup-schedule.ts'
import type { BackupMade } from './make-backup.ts'

const hourMs = 3_600_000
const start = Date.parse('2026-11-28T12:00:00Z')

function made(file: string): BackupMade {
  const note = {
    format: 2,
    program: '1',
    made_at: '2026-11-28T12:00:00Z',
    trail_fault: null,
    counts: {},
    seal: '',
  } as const
  writeFileSync(file, 'x')
  return { file, bytes: 1, note, hasKey: true }
}

function directory(): string {
  const dir = tempDir('schedule')
  onTestFinished(() => dir.remove())
  return join(dir.path, 'backups')
}

interface Setting {
  path: string
  everyMs?: number
  keep?: number
  make: (file: string, signal: AbortSignal) => Promise<BackupMade>
  now?: () => number
  mayRun?: () => boolean
}

function schedule({ path, everyMs = hourMs, keep = 3, make, now = () => start, mayRun = () => true }: Setting) {
  const lines: string[] = []
  const logger = createLogger('info', { write: line => void lines.push(line) })
  const running = new BackupSchedule({ directory: path, everyMs, keep, make, now, mayRun, logger })
  onTestFinished(() => running.stop())
  running.start()
  const said = (words: string) => lines.filter(line => line.includes(words))
  return { running, said }
}

const numbers = (path: string) => listBackups(path).map(({ number }) => number)

test('the newest are kept, by the order in which they were made, whatever the clock says; other files are left alone', async () => {
  const path = directory()
  // Each time a day earlier than before.
  let nowMs = start
  const enough = Promise.withResolvers<void>()
  let count = 0
  const { running } = schedule({
    path,
    everyMs: 1,
    make: async (file, signal) => {
      if (count === 0)
        for (const name of ['notes.txt', 'rustymail.db', 'rustymail-1.db']) writeFileSync(join(path, name), '')
      if (count === 6) {
        enough.resolve()
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      }
      count++
      nowMs -= 24 * hourMs
      return made(file)
    },
    now: () => nowMs,
  })
  await enough.promise
  await running.stop()
  expect(numbers(path)).toEqual([4, 5, 6])
  expect(readdirSync(path)).toEqual(expect.arrayContaining(['notes.txt', 'rustymail-1.db', 'rustymail.db']))
})

test('one is due by the time of the newest: a start finds that none is, or makes one at once', async () => {
  const path = directory()
  const first = Promise.withResolvers<void>()
  const { running } = schedule({
    path,
    make: async file => {
      setImmediate(first.resolve)
      return made(file)
    },
  })
  await first.promise
  await running.stop()
  expect(numbers(path)).toEqual([1])

  const tooSoon = schedule({ path, make: async file => made(file), now: () => start + hourMs - 1_000 })
  // A due backup is made before the first wait.
  await new Promise(resolve => setImmediate(resolve))
  await tooSoon.running.stop()
  expect(numbers(path)).toEqual([1])

  const second = Promise.withResolvers<void>()
  const make = async (file: string) => {
    setImmediate(second.resolve)
    return made(file)
  }
  const due = schedule({ path, make, now: () => start + hourMs })
  await second.promise
  await due.running.stop()
  expect(numbers(path)).toEqual([1, 2])
  expect(due.said('a backup was made')).toHaveLength(1)
})

test('one that fails is said in the log and tried again, and deletes no earlier one', async () => {
  const path = directory()
  let tries = 0
  let nowMs = start
  const worked = Promise.withResolvers<void>()
  const { running, said } = schedule({
    path,
    everyMs: 20,
    keep: 1,
    make: async file => {
      if (tries++ === 0) {
        nowMs += 2_000
        return made(file)
      }
      if (tries < 4) {
        writeFileSync(`${file}.0123abcd.partial`, 'half')
        expect(numbers(path)).toEqual([1])
        throw new Error('the disk is full')
      }
      setImmediate(worked.resolve)
      return made(file)
    },
    now: () => nowMs,
  })
  await worked.promise
  await running.stop()
  expect(said('no backup could be made').map(line => JSON.parse(line).err.message)).toEqual([
    'the disk is full',
    'the disk is full',
  ])
  expect(readdirSync(path)).toHaveLength(1)
})

test.each(['fails', 'is made'])('after one that %s the next is not begun at once', async outcome => {
  let tries = 0
  const make = (file: string, signal: AbortSignal) => {
    // Further ones would leave the test no turn.
    if (++tries > 1) return new Promise<never>((_resolve, reject) => signal.addEventListener('abort', reject))
    return outcome === 'fails' ? Promise.reject(new Error('the disk is full')) : Promise.resolve(made(file))
  }
  // No backup is ever recent.
  const { running, said } = schedule({ path: directory(), make, now: () => start + tries * 2 * hourMs })
  await expect.poll(() => said(outcome === 'fails' ? 'no backup could' : 'a backup was made')).toHaveLength(1)
  for (let turns = 0; turns < 20; turns++) await new Promise(resolve => setImmediate(resolve))
  await running.stop()
  expect(tries).toBe(1)
})

test('a stop ends the one that is under way, and what it had written goes', async () => {
  const path = directory()
  const begun = Promise.withResolvers<string>()
  const { running, said } = schedule({
    path,
    make: (file, signal) => {
      const partial = `${file}.0123abcd.partial`
      writeFileSync(partial, 'half')
      begun.resolve(partial)
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
  })
  const partial = await begun.promise
  expect(existsSync(partial)).toBe(true)
  await running.stop()
  expect([readdirSync(path), said('no backup could be made')]).toEqual([[], []])
})

test('names count up past a gap, and nothing is deleted while there are no more than are kept', () => {
  const dir = tempDir('names')
  onTestFinished(() => dir.remove())
  for (const name of ['rustymail-00000041-20991231T235959Z.db', 'rustymail-00000007-20261128T120000Z.db']) {
    writeFileSync(join(dir.path, name), '')
  }
  expect(nextBackup(dir.path, start)).toBe('rustymail-00000042-20261128T120000Z.db')
  expect(removeOldBackups(dir.path, 2)).toEqual([])
  expect(removeOldBackups(dir.path, 1)).toEqual(['rustymail-00000007-20261128T120000Z.db'])
})

test('none is made while another process makes them', async () => {
  const path = directory()
  let asked = 0
  const looked = Promise.withResolvers<void>()
  const mayRun = () => {
    asked++
    looked.resolve()
    return false
  }
  const { running } = schedule({ path, make: async file => made(file), mayRun })
  await looked.promise
  await running.stop()
  expect([asked, existsSync(path)]).toEqual([1, false])
})
