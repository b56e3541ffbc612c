/** A lock is on the file that stands there: one that went on a file which was removed meanwhile is none. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test, vi } from 'vitest'
import { tempDir } from '../../test/support/temp-dir.ts'
import { takeFileLock } from './file-lock.ts'

function newFile(): string {
  const dir = tempDir('file-lock')
  onTestFinished(() => dir.remove())
  return join(dir.path, 'a.lock')
}

/** Calls it once: when the next one has opened the file, and has not locked it yet. */
function beforeLocking(happens: () => void): void {
  const exec = DatabaseSync.prototype.exec
  const spy = vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementation(function (this: DatabaseSync, words) {
    if (words === 'BEGIN EXCLUSIVE') {
      spy.mockRestore()
      happens()
    }
    return exec.call(this, words)
  })
  onTestFinished(() => spy.mockRestore())
}

test('one has it at a time, and it goes with its file', () => {
  const file = newFile()
  const first = takeFileLock(file)
  expect(takeFileLock(file)).toBeUndefined()
  first?.release()
  const second = takeFileLock(file)
  expect(second?.keep()).toBe(true)
  second?.release()
})

test('when the one before removes the file and another makes it again, the other has it', () => {
  const file = newFile()
  const first = takeFileLock(file)
  let faster: ReturnType<typeof takeFileLock>
  beforeLocking(() => {
    first?.release()
    faster = takeFileLock(file)
  })
  expect(takeFileLock(file)).toBeUndefined()
  expect(faster?.keep()).toBe(true)
  faster?.release()
})

test('when the one before removes the file, the lock is taken on the one that comes after it', () => {
  const file = newFile()
  const first = takeFileLock(file)
  beforeLocking(() => first?.release())
  const second = takeFileLock(file)
  expect(second?.keep()).toBe(true)
  expect(takeFileLock(file)).toBeUndefined()
  second?.release()
})

test('where there can be no lock that is an error, and none that another has', () => {
  const file = newFile()
  mkdirSync(file)
  expect(() => takeFileLock(file)).toThrow('cannot be used as a lock')
  rmSync(file, { recursive: true })
})
