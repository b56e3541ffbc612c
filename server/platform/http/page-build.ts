/** Builds the page if its sources are newer than the last build, in a child process, which frees all its memory. */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Timeout of a build, which normally takes a few seconds. */
const boundMs = 120_000

export interface PageBuildOptions {
  signal?: AbortSignal
  /** Called before a build, which takes a while. */
  onBuild?(): void
}

/** A no-op in an installed package, which has the built page but no sources. @param root Project directory. */
export async function buildPageWhenStale(
  root: string,
  { signal, onBuild }: PageBuildOptions = {},
): Promise<'fresh' | 'built'> {
  const built = statSync(join(root, 'dist/web/index.html'), { throwIfNoEntry: false })?.mtimeMs
  if (!existsSync(join(root, 'web')) || (built !== undefined && built >= newestSource(root))) return 'fresh'
  const vite = join(root, 'node_modules/vite/bin/vite.js')
  if (!existsSync(vite)) {
    const state = built === undefined ? 'is not built' : 'is older than its sources'
    throw new Error(`the page ${state}, and its build tools are not installed: run npm ci without --omit=dev`)
  }
  onBuild?.()
  await run(vite, root, signal)
  return 'built'
}

function newestSource(root: string): number {
  const folders = ['web', 'client', 'contract', 'scripts'].map(name => join(root, name)).filter(existsSync)
  const files = ['vite.config.ts', 'package-lock.json'].map(name => join(root, name))
  return Math.max(...folders.map(newestWithin), ...files.map(changedAt))
}

/** Returns the newest modification time of files and folders; Node's recursion and `glob` are several times slower. */
function newestWithin(folder: string): number {
  const times = readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = `${folder}/${entry.name}`
    return entry.isDirectory() ? [changedAt(path), newestWithin(path)] : changedAt(path)
  })
  return Math.max(0, ...times)
}

function changedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

function run(vite: string, root: string, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const child = spawn(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: boundMs,
    ...(signal ? { signal } : {}),
  })
  let said = ''
  const keep = (text: Buffer) => {
    said = (said + text.toString()).slice(-4000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  child.once('error', reject)
  child.once('close', code => (code === 0 ? resolve() : reject(new Error(whyNotBuilt(said)))))
  return promise
}

/** Explains a failed build: npm skips optional packages that require a newer Node, and vite's native parts are such. */
function whyNotBuilt(said: string): string {
  if (!said.includes('Cannot find native binding')) return `the page could not be built:\n${said}`
  return (
    'the page could not be built: npm left out a part of its build tools, as it does on a Node older than 20.19. ' +
    'Run npm ci with a newer one'
  )
}
