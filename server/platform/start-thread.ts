/** Starts a program of ours on a thread, with the compile cache of this process. */
import { getCompileCacheDir } from 'node:module'
import { dirname, extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type ResourceLimits, Worker } from 'node:worker_threads'

export interface ThreadOptions {
  workerData: unknown
  /** In MiB. */
  resourceLimits: ResourceLimits
  /** Behind the threads that answer at once, where both want a processor. Only on Linux has a thread a priority of its own. */
  priority?: keyof typeof priorities
}

/** In MiB, of a thread that is given no other: for what is new. V8 takes a third of it for each half of its young generation. */
const usualYoungMb = 12

/** As of `nice`: for what people wait for, but that takes long, and for what nobody waits for. */
const priorities = { low: 5, background: 10 } as const

/** The program beside a module, which has another ending when both are emitted as JavaScript. */
export function threadProgram({ dirname: folder, filename }: ImportMeta, name: string): string {
  return join(folder, name + extname(filename))
}

/**
 * A cache is a thread's own to open, and it has to be open before the program is loaded. Without it each thread would load the compiler
 * of TypeScript, which takes 30 MiB and the time of a core; and since that is WebAssembly, which V8 does not free safely while other
 * threads do the same, it may end the process: one SIGSEGV of a test's process (Node 24.21) is put down to it, though it was not seen again.
 */
export function startThread(program: string, { workerData, resourceLimits, priority }: ThreadOptions): Worker {
  const nice = priority !== undefined && process.platform === 'linux' ? priorities[priority] : undefined
  // It lies in a folder for each version of Node, which is put behind it again.
  const cache = getCompileCacheDir()
  const steps = [
    // A process that begins with a lower one may not raise it.
    nice !== undefined && `{ const os = require('node:os'); os.setPriority(Math.max(os.getPriority(), ${nice})) }`,
    cache !== undefined && `require('node:module').enableCompileCache(${JSON.stringify(dirname(cache))})`,
    `import(${JSON.stringify(pathToFileURL(program).href)})`,
  ]
  const limits = { maxYoungGenerationSizeMb: usualYoungMb, ...resourceLimits }
  return new Worker(steps.filter(Boolean).join('\n'), { eval: true, workerData, resourceLimits: limits })
}
