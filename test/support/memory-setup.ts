/**
 * Before all tests: their temporary files are in memory where there is room. Of a disk each server waits ten times for a commit, and each
 * file that is made or removed costs more than most tests do with it. Gone when the tests end.
 */
import { chmodSync, globSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { isAlive } from './postgres-setup.ts'

const place = '/dev/shm'
/** Bytes; what there is at the same time takes a twentieth of it. */
const enoughRoom = 4 * 2 ** 30
/** The process is in the name. Short: paths of sockets have 108 characters. */
const prefix = 'rustymail-tests-'

export default function setup(): (() => void) | undefined {
  if (!hasRoom()) return undefined
  removeLeftBehind()
  const directory = mkdtempSync(join(place, `${prefix}${process.pid}-`))
  // Servers that run as another user have theirs in it.
  chmodSync(directory, 0o755)
  const before = process.env.TMPDIR
  // The processes of the tests have it from this one.
  process.env.TMPDIR = directory
  return () => {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
    try {
      rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
    } catch {
      // A browser that is ending still writes: the next run removes it.
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

/** Of runs that were killed. */
function removeLeftBehind(): void {
  for (const name of globSync(`${prefix}*`, { cwd: place })) {
    if (!isAlive(Number.parseInt(name.slice(prefix.length), 10))) {
      rmSync(join(place, name), { recursive: true, force: true })
    }
  }
}
