/**
 * Run before all tests: puts their temporary files into memory if there is room. On a disk each server waits ten times
 * for a commit, and creating or removing a file costs more than most tests do with it. Removed when the tests end.
 */
import { chmodSync, globSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { isAlive } from './postgres-setup.ts'

const place = '/dev/shm'
/** Bytes of free memory required; the peak use is a twentieth of it. */
const enoughRoom = 4 * 2 ** 30
/** The process id follows the prefix. It is short because socket paths are limited to 108 characters. */
const prefix = 'rustymail-tests-'

export default function setup(): (() => void) | undefined {
  if (!hasRoom()) return undefined
  removeLeftBehind()
  const directory = mkdtempSync(join(place, `${prefix}${process.pid}-`))
  // Servers that run as another user keep their directories in it.
  chmodSync(directory, 0o755)
  const before = process.env.TMPDIR
  // The test processes inherit it from this one.
  process.env.TMPDIR = directory
  return () => {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
    try {
      rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
    } catch {
      // A browser may still write while it exits: the next run removes it.
    }
  }
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(place)
    return bavail * bsize > enoughRoom
  } catch {
    return false
  }
}

/** Removes the directories of runs that were killed. */
function removeLeftBehind(): void {
  for (const name of globSync(`${prefix}*`, { cwd: place })) {
    if (!isAlive(Number.parseInt(name.slice(prefix.length), 10))) {
      rmSync(join(place, name), { recursive: true, force: true })
    }
  }
}
