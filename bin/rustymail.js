#!/usr/bin/env node
/**
 * The command `rustymail`. Any Node from 18 on runs this and hands over to one that can run the server: so this file
 * and `node-24.js` use nothing newer, and only `start.js`, which is loaded last, may.
 */
import { fileURLToPath } from 'node:url'
import { canReplaceItself, canRun, runOnNode24, stopWithParent } from './node-24.js'

// Without a listener, this signal makes Node open a debugger to anyone who can reach its port.
process.on('SIGUSR1', () => undefined)

/**
 * Bounds V8's young generation of the main thread, where all requests run; `v8-flags.js` bounds those of the others.
 * Node accepts it only at its start. See docs/decisions/0056.
 */
const flag = '--max-semi-space-size=16'
const isBounded = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some(text =>
  text.includes('max-semi-space-size'),
)

if (canRun(process.versions.node) && (isBounded || !canReplaceItself)) {
  stopWithParent()
  await import('./start.js')
} else {
  const flags = isBounded ? process.execArgv : [...process.execArgv, flag]
  // glibc keeps free memory in arenas, up to eight times as many as processors, and V8's workers alone are four
  // threads. And after the first large block is freed, it raises the size from which blocks are returned, unless that
  // threshold is set. Both are read when a process starts. See docs/decisions/0060 and 0065.
  if (process.platform === 'linux') {
    process.env.MALLOC_ARENA_MAX ??= '2'
    process.env.MALLOC_MMAP_THRESHOLD_ ??= '131072'
  }
  runOnNode24([...flags, fileURLToPath(import.meta.url), ...process.argv.slice(2)], { isOurs: true })
}
