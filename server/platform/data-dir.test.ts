/** One server has a data directory, and a dead one's does not stay locked. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { tempDir } from '../../test/support/temp-dir.ts'
import { DataDirTaken, takeDataDir } from './data-dir.ts'

function newDir(): string {
  const dir = tempDir()
  onTestFinished(() => dir.remove())
  return join(dir.path, 'data')
}

test('a second server on the same directory is refused and told who has it', () => {
  const path = newDir()
  const first = takeDataDir(path)
  expect(() => takeDataDir(path)).toThrow(DataDirTaken)
  expect(() => takeDataDir(path)).toThrow(`(process ${process.pid})`)
  first.release()
  takeDataDir(path).release()
  expect(existsSync(join(path, 'rustymail.pid'))).toBe(false)
  expect(existsSync(join(path, 'rustymail.lock'))).toBe(false)
})

test('a lock whose file was removed is taken again, and it is known when another server was faster', () => {
  const path = newDir()
  const lock = join(path, 'rustymail.lock')
  const first = takeDataDir(path)
  rmSync(lock)
  expect(first.keep()).toBe(true)
  expect(() => takeDataDir(path)).toThrow(DataDirTaken)

  rmSync(lock)
  const second = takeDataDir(path)
  expect([first.keep(), first.keep(), second.keep()]).toEqual([false, false, true])
  // The release of a lost lock leaves the new owner's alone.
  first.release()
  expect(() => takeDataDir(path)).toThrow(DataDirTaken)
  expect(second.keep()).toBe(true)

  rmSync(path, { recursive: true })
  expect(second.keep()).toBe(true)
  const third = takeDataDir(path)
  expect([second.keep(), third.keep()]).toEqual([false, true])
  third.release()
  second.release()
})

test('after kill -9 the directory is free again', async () => {
  const path = newDir()
  const module = join(import.meta.dirname, 'data-dir.ts')
  const code = `const { takeDataDir } = await import(${JSON.stringify(module)}); globalThis.held = takeDataDir(${JSON.stringify(path)}); console.log('taken'); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  expect(() => takeDataDir(path)).toThrow(`(process ${child.pid})`)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(readFileSync(join(path, 'rustymail.pid'), 'utf8').trim()).toBe(String(child.pid))
  takeDataDir(path).release()
})

test('directory and key are for their owner alone, and the key stays the same', () => {
  const path = newDir()
  const dir = takeDataDir(path)
  expect(dir.secretKey()).toBeUndefined()
  const key = Buffer.alloc(32, 7)
  dir.keepSecretKey(key)
  expect(dir.secretKey()).toEqual(key)
  expect(statSync(path).mode & 0o777).toBe(0o700)
  expect(statSync(join(path, 'secret.key')).mode & 0o777).toBe(0o600)
  writeFileSync(join(path, 'secret.key'), 'broken')
  expect(() => dir.secretKey()).toThrow(/does not hold a key/)
  dir.release()
})

test('where no directory can be made it says so and does not try forever; folders above are made too', () => {
  const module = join(import.meta.dirname, 'data-dir.ts')
  const code = `const { takeDataDir } = await import(${JSON.stringify(module)}); takeDataDir('/proc/self/rustymail/data')`
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code])
  expect([status, String(stderr)]).toEqual([1, expect.stringContaining('/proc')])
  const path = join(newDir(), 'above/data')
  takeDataDir(path).release()
  expect(statSync(path).mode & 0o777).toBe(0o700)
})

test('what is in the way is named, with the way out, and a file is left as it was', () => {
  const path = newDir()
  writeFileSync(path, 'mine', { mode: 0o644 })
  const wayOut = /It must belong to the user that runs RustyMail.*RUSTYMAIL_DATA_DIR/
  expect(() => takeDataDir(path)).toThrow(`the data directory ${path} cannot be used: not a directory. `)
  expect(() => takeDataDir(path)).toThrow(wayOut)
  expect(statSync(path).mode & 0o777).toBe(0o644)
  expect(() => takeDataDir(join(path, 'below'))).toThrow(`${path}/below cannot be used: not a directory. `)
})

test('a key that cannot be read is named; what else stands in the way of a start gives the lock back', () => {
  const path = newDir()
  const dir = takeDataDir(path)
  mkdirSync(join(path, 'secret.key'))
  expect(() => dir.secretKey()).toThrow(`the key ${path}/secret.key cannot be read: it is a directory`)
  rmdirSync(join(path, 'secret.key'))
  writeFileSync(join(path, 'secret.key'), 'no key')
  expect(() => dir.secretKey()).toThrow(
    /secret\.key does not hold a key of 32 bytes in base64\. Put the right key back/,
  )
  dir.release()

  mkdirSync(join(path, 'rustymail.pid'))
  expect(() => takeDataDir(path)).toThrow(`cannot be used: ${path}/rustymail.pid: it is a directory. `)
  rmdirSync(join(path, 'rustymail.pid'))
  takeDataDir(path).release()
})
