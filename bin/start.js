/**
 * Starts the server on Node 24: as it is bundled, in the published package and in a checkout that can bundle it; else its TypeScript as
 * it is. Node keeps what it compiled in a cache, so that the next start is faster and does without the compiler of TypeScript's 30 MB.
 * When sources are newer, bundle and cache are made first by a process that ends, so that this one stays small; it builds the page
 * meanwhile (`server/first-start.ts`). Without a writable place for them everything works, only larger.
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

// As in rustymail.js, for where this file is run itself.
if (process.listenerCount('SIGUSR1') === 0) process.on('SIGUSR1', () => undefined)

const root = join(import.meta.dirname, '..')
/** Node's own variable says where, for an installation that cannot be written to. */
const cache = process.env.NODE_COMPILE_CACHE || join(root, 'node_modules/.cache/rustymail')
/** TypeScript in a checkout; the published package is a bundle. */
const isCheckout = existsSync(join(root, 'server/main.ts'))
/** For work on it: `node --watch` starts again when a file changes that was loaded. */
const isFromSources = isCheckout && takeWord('--sources')
/** Of this folder: copies of it may have one cache. */
const stamp = join(
  cache,
  `${isFromSources ? 'sources' : 'filled'}-${createHash('sha256').update(root).digest('hex').slice(0, 8)}`,
)
/** What the sources load when it is first needed, the programs of threads among it; a test holds this list to them. */
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
/** An agent waits for its first answer: what only passes messages on loads nothing of the server. */
const isBridge =
  process.argv[2] === 'mcp' &&
  process.argv.some(word => /^--url(=|$)/.test(word)) &&
  !process.argv.some(word => /^(-h|--help)$/.test(word))
const isFilling = process.argv[2] === '--fill-cache'

enableCompileCache(cache)
if (isFilling) {
  const began = new Date()
  const { prepareFirstStart } = await import(isCheckout ? '../server/first-start.ts' : '../server/first-start.js')
  // By a start this file is run itself; when an image is built, by the command.
  const isPartOfStart = process.argv[1] === import.meta.filename
  await prepareFirstStart(root, { argv: process.argv.slice(3), compile, isPartOfStart })
  // A start does that itself, however this ends.
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

/** @returns Whether it was there; the server does not see it. */
function takeWord(word) {
  const place = process.argv.indexOf(word, 2)
  if (place > 0) process.argv.splice(place, 1)
  return place > 0
}

/** Undefined: the sources are run. */
function bundleFolder() {
  if (!isCheckout) return join(root, 'server')
  return isFromSources ? undefined : freshBundle(root)
}

async function compile(signal) {
  if (isCheckout && !isFromSources && !freshBundle(root)) await makeBundle(root, signal)
  const bundle = bundleFolder()
  // What is loaded late would otherwise be compiled by each thread, and bring the compiler with it.
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
    // Its stdin ends when this process does, and so does it: nothing goes on behind a start that was given up.
    const filling = spawn(process.execPath, [import.meta.filename, ...words], {
      cwd: root,
      stdio: ['pipe', 'ignore', 'inherit'],
      timeout: 150_000,
    })
    await once(filling, 'exit')
    // Also when that failed: it would fail at the next start as well.
    markFilled(began)
  } catch {
    // A read-only installation: the cache stays as it is.
  }
}

/** With which bundle, if any, and of that time: sources that changed while it was filled are newer. */
function markFilled(began) {
  mkdirSync(cache, { recursive: true })
  writeFileSync(stamp, bundleFolder() ?? '')
  utimesSync(stamp, began, began)
}
