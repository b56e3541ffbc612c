/** A small file is replaced whole or not at all, also while another process that lost its directory writes the same one. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { tempDir } from '../../test/support/temp-dir.ts'
import { takeDataDir } from './data-dir.ts'
import { replaceFile, replaceFileSync } from './durable-file.ts'

function newDir(): string {
  const dir = tempDir()
  onTestFinished(() => dir.remove())
  return dir.path
}

test('several writings of one file at the same time take nothing from each other', async () => {
  const dir = newDir()
  const file = join(dir, 'audit.head')
  // A file that another process is just writing.
  writeFileSync(`${file}.new`, 'half of ano')
  const contents = Array.from({ length: 20 }, (_, number) => `${number}`.repeat(1_000))
  await Promise.all(contents.map(content => replaceFile(file, content)))
  expect(contents).toContain(readFileSync(file, 'utf8'))
  expect(statSync(file).mode & 0o777).toBe(0o600)
  replaceFileSync(file, 'last')
  expect([readFileSync(file, 'utf8'), readFileSync(`${file}.new`, 'utf8')]).toEqual(['last', 'half of ano'])
  expect(readdirSync(dir).sort()).toEqual(['audit.head', 'audit.head.new'])
})

test('what cannot be put in its place leaves no draft behind', async () => {
  const dir = newDir()
  const file = join(dir, 'a', 'file')
  mkdirSync(file, { recursive: true })
  writeFileSync(join(file, 'inside'), '')
  await expect(replaceFile(file, 'x')).rejects.toThrow()
  expect(() => replaceFileSync(file, 'x')).toThrow()
  expect(readdirSync(join(dir, 'a'))).toEqual(['file'])
})

test('drafts that a kill left behind are removed by the next owner of the data directory, and nothing else', () => {
  const path = join(newDir(), 'data')
  takeDataDir(path).release()
  const kept = ['audit.head', 'notes.newer', 'rustymail.db', 'what is new', 'My 2.new']
  const drafts = ['audit.head.new', 'secret.key.next.new', 'audit.head.4711-0a1b2c3d.new']
  for (const name of [...kept, ...drafts]) writeFileSync(join(path, name), 'x')
  const taken = takeDataDir(path)
  onTestFinished(() => taken.release())
  const others = readdirSync(path).filter(name => !name.startsWith('rustymail.lock'))
  expect(others.sort()).toEqual([...kept, 'rustymail.pid'].sort())
})
