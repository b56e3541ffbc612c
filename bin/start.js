/**
 * Starts the server on Node 24. Its TypeScript is run as it is; Node keeps what it made of it in a cache, so that the next start
 * is faster and does without the compiler's 30 MB. When sources are newer than the cache, it is filled first by a process
 * that ends, so that this one stays small; it builds the page meanwhile (`server/first-start.ts`). Without a writable place
 * for the cache everything works, only larger.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import './v8-flags.js'

// As in rustymail.js, for where this file is run itself.
if (process.listenerCount('SIGUSR1') === 0) process.on('SIGUSR1', () => undefined)

const root = join(import.meta.dirname, '..')
/** Node's own variable says where, for an installation that cannot be written to. */
const cache = process.env.NODE_COMPILE_CACHE || join(root, 'node_modules/.cache/rustymail')
const stamp = join(cache, 'filled')
/** TypeScript in a checkout, JavaScript in the published package. */
const suffix = existsSync(join(root, 'server/main.ts')) ? 'ts' : 'js'
/** What the server loads when it is first needed, the programs of its threads among it; a test holds this list to the sources. */
const late = [
  'sandbox/sandbox-server',
  'server/audit/trail-worker-thread',
  'server/backup-commands',
  'server/command-outcome',
  'server/drafts/write-message',
  'server/index/index-thread',
  'server/index/text-of-parts',
  'server/mail/page-writer',
  'server/mcp/sdk-server',
  'server/platform/database/sqlite-thread',
  'server/platform/http/docs-app',
  'server/reading/calendar',
  'server/reading/clean-html',
  'server/reading/decode-body',
  'server/reading/outgoing-body',
  'server/reading/read-parts',
  'server/reading/rtf-text',
  'server/reading/text-worker-thread',
]
const isFilling = process.argv[2] === '--fill-cache'

enableCompileCache(cache)
if (isFilling) {
  const began = new Date()
  const { prepareFirstStart } = await import(`../server/first-start.${suffix}`)
  // By a start this file is run itself; when an image is built, by the command.
  const isPartOfStart = process.argv[1] === import.meta.filename
  await prepareFirstStart(root, { argv: process.argv.slice(3), compile, isPartOfStart })
  // A start does that itself, however this ends.
  if (!isPartOfStart) markFilled(began)
} else {
  if (isStale()) await fillCache()
  const { run } = await import(`../server/main.${suffix}`)
  await run()
}

async function compile() {
  await import(`../server/main.${suffix}`)
  // What is loaded late would otherwise bring the compiler with it.
  await Promise.allSettled(late.map(file => import(`../${file}.${suffix}`)))
}

function isStale() {
  const filledAt = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const sources = globSync([`{contract,server,sandbox}/**/*.${suffix}`, 'package-lock.json'], { cwd: root })
  return sources.some(file => statSync(join(root, file)).mtimeMs > filledAt)
}

async function fillCache() {
  const began = new Date()
  try {
    mkdirSync(cache, { recursive: true })
    const words = [import.meta.filename, '--fill-cache', ...process.argv.slice(2)]
    // Its stdin ends when this process does, and so does it: nothing goes on behind a start that was given up.
    const filling = spawn(process.execPath, words, {
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

/** Of that time: sources that changed while it was filled are newer. */
function markFilled(began) {
  mkdirSync(cache, { recursive: true })
  writeFileSync(stamp, '')
  utimesSync(stamp, began, began)
}
