/** Replaces a small file atomically and durably, with mode 0600. */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const mode = 0o600

/**
 * Returns a unique draft name per write: a server that lost its data directory may still write while the new owner
 * does, and must not rename the other's partial file.
 */
function draftOf(file: string): string {
  return `${file}.${process.pid}-${randomBytes(4).toString('hex')}.new`
}

/** Matches draft names, including the fixed ones of earlier versions. */
const draftName = /^[a-z.]+(?:\.\d+-[\da-f]{8})?\.new$/

/** Removes drafts left by a killed process. Only for the owner of the directory. */
export function removeDrafts(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (draftName.test(name)) rmSync(join(directory, name), { force: true, recursive: true })
  }
}

/** Replaces a file synchronously, for moments when blocking is fine: start, and key rotation. */
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

/** Replaces a file asynchronously, for a running server. Of concurrent writes, the last to end wins. */
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

/** Renames durably: after a power failure, data sealed with a key must not exist without the renamed key file. */
export function renameDurably(from: string, to: string): void {
  renameSync(from, to)
  syncDirectory(dirname(to))
}

/** Flushes a directory, so that its entries survive a power failure. */
export function syncDirectory(path: string): void {
  // Windows cannot open directories.
  if (process.platform === 'win32') return
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
