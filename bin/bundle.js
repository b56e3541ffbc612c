/**
 * The server of a checkout as a bundle, which starts in two thirds of the time and uses less memory. It is used only
 * while each of its inputs, packages included, has the time and size recorded with it; otherwise the sources are run,
 * or it is rebuilt.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** @returns The bundle's folder, or undefined if it is stale or missing. */
export function freshBundle(root) {
  try {
    const { folder, files } = JSON.parse(readFileSync(join(root, 'dist/server/current.json'), 'utf8'))
    const isFresh = files.every(([file, mtimeMs, size]) => {
      // For 2,300 files, `join` would take half of the time.
      const found = statSync(`${root}/${file}`, { throwIfNoEntry: false })
      return found?.mtimeMs === mtimeMs && found.size === size
    })
    const place = join(root, 'dist/server', folder)
    return isFresh && existsSync(place) ? place : undefined
  } catch {
    return undefined
  }
}

/** Builds it in a process of its own. Without the build tools, after `npm ci --omit=dev`, there is no bundle. */
export async function makeBundle(root, signal) {
  const program = join(root, 'scripts/build-server.ts')
  if (![program, join(root, 'node_modules/vite')].every(file => existsSync(file))) return
  const options = { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], timeout: 120_000, signal }
  await once(spawn(process.execPath, [program], options), 'exit')
}
