/**
 * Prepares the first start, and each one after an update, in a process that ends before the server begins: it compiles
 * the program into Node's cache and builds the page in parallel, and reports each step on stderr. A part of the way in.
 */
import { flushCompileCache } from 'node:module'
import { parseCommandLine } from './command-line.ts'
import { asksForHelp } from './command-usage.ts'
import { buildPageWhenStale } from './platform/http/page-build.ts'

interface FirstStart {
  /** The arguments of the program: only a server needs the page. */
  argv: readonly string[]
  /** Loads all modules that the server may load, from a bundle if one can be made. */
  compile(signal: AbortSignal): Promise<void>
  /** True if a start waits for this process: it then stops when its stdin ends, since that start has ended. */
  isPartOfStart: boolean
}

export async function prepareFirstStart(root: string, { argv, compile, isPartOfStart }: FirstStart): Promise<void> {
  const began = performance.now()
  const left = new AbortController()
  if (isPartOfStart) {
    process.stdin.resume().once('end', () => {
      left.abort()
      process.exit(1)
    })
  }
  say('RustyMail prepares its first start; after an update, the first start of the new version.')
  const page = isServer(argv) ? buildPage(root, left.signal) : undefined
  say('Compiling the server …')
  await compile(left.signal)
  flushCompileCache()
  await page
  say(`Prepared in ${((performance.now() - began) / 1000).toFixed(1)} s.`)
  if (isPartOfStart) process.stdin.removeAllListeners('end').destroy()
}

/** Builds the page if it is stale. Errors are ignored here: the server needs the page, tries again and reports them. */
async function buildPage(root: string, signal: AbortSignal): Promise<void> {
  await buildPageWhenStale(root, { signal, onBuild: () => say('Building the page …') }).catch(() => undefined)
}

function isServer(argv: readonly string[]): boolean {
  return !asksForHelp(argv) && parseCommandLine(argv, []).command === 'serve'
}

/** Writes plain text to stderr, since the log begins with the server. */
function say(words: string): void {
  process.stderr.write(`${words}\n`)
}
