/**
 * Starts the server on Node 24: the bundle, in the published package and in a checkout that can build it; otherwise its
 * TypeScript. Node caches compiled code, so that the next start is faster and does not load the TypeScript compiler's
 * 30 MB. If sources are newer, a separate process rebuilds bundle and cache first, so that this one stays small; it
 * builds the page meanwhile (`server/first-start.ts`). Without a writable place for them everything works, with more
 * memory.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, globSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { freshBundle, makeBundle } from './bundle.js'
import './v8-flags.js'

// As in rustymail.js, for when this file is run directly.
if (process.listenerCount('SIGUSR1') === 0) process.on('SIGUSR1', () => undefined)

const root = join(import.meta.dirname, '..')
/** Node's own variable names the place, for a read-only installation. */
const cache = process.env.NODE_COMPILE_CACHE || join(root, 'node_modules/.cache/rustymail')
/** A checkout has TypeScript; the published package is a bundle. */
const isCheckout = existsSync(join(root, 'server/main.ts'))
/** For development: `node --watch` restarts when a loaded file changes. */
const isFromSources = isCheckout && takeWord('--sources')
/** The name contains this folder: copies of it may share one cache. */
const stamp = join(
  cache,
  `${isFromSources ? 'sources' : 'filled'}-${createHash('sha256').update(root).digest('hex').slice(0, 8)}`,
)
/** Modules that the sources load lazily, threads' programs included; a test keeps this list complete. */
const late = [
  'sandbox/sandbox-server',
  'server/audit/trail-worker-thread',
  'server/backup-commands',
  'server/backup-process',
  'server/bridge-main',
  'server/command-outcome',
  'server/drafts/write-message',
  'server/index/index-thread',
  'server/index/text-of-parts',
  'server/mail/index-writers',
  'server/mcp/native-adapter',
  'server/mcp/sdk-adapter',
  'server/platform/database/sqlite-thread',
  'server/platform/http/docs-app',
  'server/platform/tracing/otel-spans',
  'server/reading/calendar',
  'server/reading/clean-html',
  'server/reading/decode-body',
  'server/reading/outgoing-body',
  'server/reading/read-parts',
  'server/reading/rtf-text',
  'server/reading/text-worker-thread',
  'server/reading/unseen-words',
  'server/webhook-listen',
]
/** An agent waits for its first answer, and the bridge loads nothing of the server. */
const isBridge =
  process.argv[2] === 'mcp' &&
  process.argv.some(word => /^--url(=|$)/.test(word)) &&
  !process.argv.some(word => /^(-h|--help)$/.test(word))
const isFilling = process.argv[2] === '--fill-cache'

enableCompileCache(cache)
if (isFilling) {
  const began = new Date()
  const { prepareFirstStart } = await import(isCheckout ? '../server/first-start.ts' : '../server/first-start.js')
  // A start runs this file directly; the build of an image runs the command.
  const isPartOfStart = process.argv[1] === import.meta.filename
  await prepareFirstStart(root, { argv: process.argv.slice(3), compile, isPartOfStart })
  // A start does that itself, whatever the outcome here.
  if (!isPartOfStart) markFilled(began)
} else {
  let bundle = bundleFolder()
  if (isStale(bundle)) {
    await fillCache()
    bundle = bundleFolder()
  }
  const program = isBridge ? 'bridge-main' : 'main'
  const main = bundle === undefined ? join(root, `server/${program}.ts`) : join(bundle, `${program}.js`)
  const { run } = await import(pathToFileURL(main).href)
  await run()
}

/** @returns Whether the word was there; it is removed from the server's arguments. */
function takeWord(word) {
  const place = process.argv.indexOf(word, 2)
  if (place > 0) process.argv.splice(place, 1)
  return place > 0
}

/** Returns undefined if the sources are to be run. */
function bundleFolder() {
  if (!isCheckout) return join(root, 'server')
  return isFromSources ? undefined : freshBundle(root)
}

async function compile(signal) {
  if (isCheckout && !isFromSources && !freshBundle(root)) await makeBundle(root, signal)
  const bundle = bundleFolder()
  // Lazily loaded modules would otherwise be compiled by each thread, which would load the compiler.
  const files =
    bundle === undefined
      ? ['server/main', ...late].map(name => join(root, `${name}.ts`))
      : globSync('*.js', { cwd: bundle }).map(name => join(bundle, name))
  await Promise.allSettled(files.map(file => import(pathToFileURL(file).href)))
}

function isStale(bundle) {
  const filled = statSync(stamp, { throwIfNoEntry: false })
  if (!filled) return true
  const filledWith = readFileSync(stamp, 'utf8')
  if (isCheckout && (bundle !== undefined || filledWith !== '')) return filledWith !== bundle
  const sources = globSync(['{contract,server,sandbox}/**/*.{ts,js}', 'package-lock.json'], { cwd: root })
  return sources.some(file => statSync(join(root, file)).mtimeMs > filled.mtimeMs)
}

async function fillCache() {
  const began = new Date()
  try {
    mkdirSync(cache, { recursive: true })
    const words = ['--fill-cache', ...(isFromSources ? ['--sources'] : []), ...process.argv.slice(2)]
    // Its stdin closes when this process ends, and so it ends too: nothing outlives a start that was aborted.
    const filling = spawn(process.execPath, [import.meta.filename, ...words], {
      cwd: root,
      stdio: ['pipe', 'ignore', 'inherit'],
      timeout: 150_000,
    })
    await once(filling, 'exit')
    // Marked even after a failure, which would recur at the next start.
    markFilled(began)
  } catch {
    // A read-only installation: the cache stays as it is.
  }
}

/** Marks the cache as filled for this bundle, if any, as of its start: sources that changed meanwhile are newer. */
function markFilled(began) {
  mkdirSync(cache, { recursive: true })
  writeFileSync(stamp, bundleFolder() ?? '')
  utimesSync(stamp, began, began)
}
