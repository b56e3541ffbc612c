#!/usr/bin/env node
/**
 * The way in. The server's TypeScript is run as it is; Node keeps what it made of it in a cache, so that the next start
 * is faster and does without the compiler's 30 MB. When sources are newer than the cache, it is filled first by a process
 * that ends, so that this one stays small; it builds the page meanwhile (`server/first-start.ts`). Without a writable place
 * for the cache everything works, only larger.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const cache = join(root, 'node_modules/.cache/rustymail')
const stamp = join(cache, 'filled')
const isFilling = process.argv[2] === '--fill-cache'

enableCompileCache(cache)
if (isFilling) {
  const { prepareFirstStart } = await import('../server/first-start.ts')
  await prepareFirstStart(root, process.argv.slice(3))
} else {
  if (isStale()) await fillCache()
  const { run } = await import('../server/main.ts')
  await run()
}

function isStale() {
  const filledAt = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const sources = globSync(['server/**/*.ts', 'contract/*.ts', 'package-lock.json'], { cwd: root })
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
    writeFileSync(stamp, '')
    utimesSync(stamp, began, began)
  } catch {
    // A read-only installation: the cache stays empty.
  }
}
