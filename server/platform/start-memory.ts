/**
 * Gives back what only the start needed. V8 returns free memory to the system by itself some seconds after a full collection,
 * but a server that has nothing to do after its start would not come to its first one for hours.
 */
import { flushCompileCache } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** As when there is no memory left: what is compiled but not needed now goes too, and the system has the pages back at once. */
const thorough = { type: 'major', flavor: 'last-resort', execution: 'sync' }

/** Took 220 to 240 ms after a start, on two processors that others used too; nothing else runs in this thread meanwhile. */
export function dropStartMemory(): void {
  // Writes what is new in it, which is nothing once it is filled, and drops what was read.
  flushCompileCache()
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('globalThis.gc')
  setFlagsFromString('--no-expose-gc')
  // By itself V8 waits for six collections before it drops what was compiled and is not run. With the usual value again the flags are those that the compile cache knows.
  setFlagsFromString('--bytecode-old-age=0')
  if (typeof collect === 'function') collect(thorough)
  setFlagsFromString('--bytecode-old-age=6')
}
