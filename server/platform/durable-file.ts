/** Replaces a small file whole or not at all, so that it survives a power failure, with mode 0600. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

const mode = 0o600

/** For the moments in which nothing else is to be done: start, and changing the key. */
export function replaceFileSync(file: string, content: string): void {
  const draft = `${file}.new`
  // A draft that a kill left behind could have another mode.
  rmSync(draft, { force: true })
  writeFileSync(draft, content, { mode, flag: 'wx', flush: true })
  renameDurably(draft, file)
}

/** For a running server. The caller writes one file once at a time. */
export async function replaceFile(file: string, content: string): Promise<void> {
  const draft = `${file}.new`
  await rm(draft, { force: true })
  const handle = await open(draft, 'wx', mode)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, file)
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
