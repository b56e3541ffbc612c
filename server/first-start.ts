/**
 * What the first start does, and each one after an update, in a process that ends before the server begins: the program is
 * compiled into Node's cache and the page is built, both at once, and each step is said on stderr. A part of the way in.
 */
import { flushCompileCache } from 'node:module'
import { parseCommandLine } from './command-line.ts'
import { asksForHelp } from './command-usage.ts'
import { buildPageWhenStale } from './platform/http/page-build.ts'

interface FirstStart {
  /** What the program was started with: only a server needs the page. */
  argv: readonly string[]
  /** Loads all that the server may load, out of a bundle where one can be made. */
  compile(signal: AbortSignal): Promise<void>
  /** Whether a start waits for it: its stdin ends when that start ends, and then nobody needs it any more. */
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

/** Why it cannot be built is said by the server, which needs it and tries again. */
async function buildPage(root: string, signal: AbortSignal): Promise<void> {
  await buildPageWhenStale(root, { signal, onBuild: () => say('Building the page …') }).catch(() => undefined)
}

function isServer(argv: readonly string[]): boolean {
  return !asksForHelp(argv) && parseCommandLine(argv, []).command === 'serve'
}

/** In plain words, for readers of stderr: the log begins with the server. */
function say(words: string): void {
  process.stderr.write(`${words}\n`)
}
