#!/usr/bin/env node
/**
 * The command `rustymail`. Whatever Node runs this, from 18 on, hands over to one that can run the server: so this file and
 * `node-24.js` use nothing newer, and only `start.js`, which is loaded last, may.
 */
import { fileURLToPath } from 'node:url'
import { canReplaceItself, canRun, runOnNode24, stopWithParent } from './node-24.js'

// Node opens a debugger at this signal, to anyone who can reach its port, unless the signal has a listener.
process.on('SIGUSR1', () => undefined)

/** Bounds V8's young generation of the main thread, where all requests meet; `v8-flags.js` bounds those of the others. See docs/decisions/0056. Node takes it only at its start. */
const flag = '--max-semi-space-size=16'
const isBounded = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some(text =>
  text.includes('max-semi-space-size'),
)

if (canRun(process.versions.node) && (isBounded || !canReplaceItself)) {
  stopWithParent()
  await import('./start.js')
} else {
  const flags = isBounded ? process.execArgv : [...process.execArgv, flag]
  // glibc keeps memory that is free again for each thread apart, up to eight times as many places as processors; V8's workers alone are four threads.
  // And from the first large piece that is freed on, it keeps pieces of that size rather than giving them back, unless it is told where large begins.
  // Both are read when a process begins. See docs/decisions/0060 and 0065.
  if (process.platform === 'linux') {
    process.env.MALLOC_ARENA_MAX ??= '2'
    process.env.MALLOC_MMAP_THRESHOLD_ ??= '131072'
  }
  runOnNode24([...flags, fileURLToPath(import.meta.url), ...process.argv.slice(2)], { isOurs: true })
}
