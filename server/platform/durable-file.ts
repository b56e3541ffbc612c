/** Replaces a small file whole or not at all, so that it survives a power failure, with mode 0600. */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const mode = 0o600

/**
 * A draft of its own for each writing: a server that lost its data directory may still write while the new owner does, and must not rename
 * half of the other's file.
 */
function draftOf(file: string): string {
  return `${file}.${process.pid}-${randomBytes(4).toString('hex')}.new`
}

/** With earlier ones, which were all called the same. */
const draftName = /^[a-z.]+(?:\.\d+-[\da-f]{8})?\.new$/

/** Those that a kill left behind. For the owner of the directory alone. */
export function removeDrafts(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (draftName.test(name)) rmSync(join(directory, name), { force: true, recursive: true })
  }
}

/** For the moments in which nothing else is to be done: start, and changing the key. */
export function replaceFileSync(file: string, content: string): void {
  const draft = draftOf(file)
  try {
    writeFileSync(draft, content, { mode, flag: 'wx', flush: true })
    renameDurably(draft, file)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}

/** For a running server. Of several writings of one file at a time the last to end counts. */
export async function replaceFile(file: string, content: string): Promise<void> {
  const draft = draftOf(file)
  try {
    const handle = await open(draft, 'wx', mode)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  if (process.platform === 'win32') return
  const directory = await open(dirname(file), 'r')
  await directory.sync().finally(() => directory.close())
}

/** What is sealed with a key must not outlive the key's name when the power fails. */
export function renameDurably(from: string, to: string): void {
  renameSync(from, to)
  syncDirectory(dirname(to))
}

/** The names in it, and what they stand for, survive a power failure. */
export function syncDirectory(path: string): void {
  // Windows does not open directories.
  if (process.platform === 'win32') return
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
