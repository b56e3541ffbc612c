/**
 * Bundles the server of a checkout into a folder of `dist/server`, and records it in `current.json` with all its
 * inputs, by which `bin/bundle.js` detects that it is stale. A start runs this if it is.
 */
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Number of bundles to keep: a server that runs from an older one still loads files of it. */
const kept = 3
const root = join(import.meta.dirname, '..')
const home = join(root, 'dist/server')
const current = join(home, 'current.json')
/** Inputs beside the modules: what decides how imports resolve, and what makes the bundle. */
const rules = [
  'package.json',
  'package-lock.json',
  'node_modules/.package-lock.json',
  'tsconfig.json',
  'scripts/build-server.ts',
  'scripts/bundle-server.ts',
].filter(file => existsSync(join(root, file)))

const made = join(home, `making-${process.pid}`)
try {
  await bundle()
} catch (error) {
  console.error(
    `The server could not be bundled, and runs from its sources: ${error instanceof Error ? error.message : error}`,
  )
  process.exitCode = 1
}

async function bundle(): Promise<void> {
  // Without it, starts run the sources.
  rmSync(current, { force: true })
  // Imported late, since the bundler may be only partly installed.
  const { bundleServer } = await import('./bundle-server.ts')
  const ruled = rules.map(file => [join(root, file), statSync(join(root, file))] as const)
  dropLeft()
  mkdirSync(made, { recursive: true })
  try {
    const { inputs } = await bundleServer(root, root, made)
    const folder = nameOf(made)
    // A concurrent start may have built the same bundle.
    if (!existsSync(join(home, folder))) renameSync(made, join(home, folder))
    const files = [...ruled, ...inputs].map(([file, { mtimeMs, size }]) => [relative(root, file), mtimeMs, size])
    const next = join(home, `next-${process.pid}.json`)
    writeFileSync(next, JSON.stringify({ folder, files }))
    renameSync(next, current)
    dropOldest()
  } finally {
    rmSync(made, { recursive: true, force: true })
  }
}

/** Names the folder by content, so that the same sources reuse Node's compile cache. */
function nameOf(folder: string): string {
  const hash = createHash('sha256')
  for (const file of globSync('*', { cwd: folder }).sort()) hash.update(file).update(readFileSync(join(folder, file)))
  return hash.digest('hex').slice(0, 12)
}

function dropOldest(): void {
  const folders = globSync('[0-9a-f]*', { cwd: home }).map(name => join(home, name))
  const byAge = folders.toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
  for (const folder of byAge.slice(kept)) rmSync(folder, { recursive: true, force: true })
}

/** Removes folders left behind by interrupted builds. */
function dropLeft(): void {
  for (const [, pid = ''] of globSync('making-*', { cwd: home }).map(name => name.split('-'))) {
    if (!isAlive(Number(pid))) rmSync(join(home, `making-${pid}`), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
