/** Starts a worker thread with the compile cache of this process. */
import { getCompileCacheDir } from 'node:module'
import { dirname, extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type ResourceLimits, Worker } from 'node:worker_threads'

export interface ThreadOptions {
  workerData: unknown
  /** Heap limits in MiB. */
  resourceLimits: ResourceLimits
  /** Lower scheduling priority than that of interactive threads; only Linux has priorities per thread. */
  priority?: keyof typeof priorities
}

/** Default young generation of a thread in MiB; V8 uses a third of it for each semi-space. */
const usualYoungMb = 12

/** Nice values: `low` for slow work that people wait for, `background` for work that nobody waits for. */
const priorities = { low: 5, background: 10 } as const

/** Returns the path of a program beside a module, with the module's extension: .ts, or .js once bundled. */
export function threadProgram({ dirname: folder, filename }: ImportMeta, name: string): string {
  return join(folder, name + extname(filename))
}

/**
 * Starts a program, with the compile cache enabled first, which each thread has to do itself. Without it each thread
 * would load the TypeScript compiler, which takes 30 MiB and much CPU; and since that is WebAssembly, which V8 does not
 * free safely while other threads do the same, the process might crash: one SIGSEGV of a test process (Node 24.21) is
 * attributed to it, though it was not seen again.
 */
export function startThread(program: string, { workerData, resourceLimits, priority }: ThreadOptions): Worker {
  const nice = priority !== undefined && process.platform === 'linux' ? priorities[priority] : undefined
  // The parent directory: `enableCompileCache` appends the one for the version of Node again.
  const cache = getCompileCacheDir()
  const steps = [
    // A process that was started with a lower priority may not raise it.
    nice !== undefined && `{ const os = require('node:os'); os.setPriority(Math.max(os.getPriority(), ${nice})) }`,
    cache !== undefined && `require('node:module').enableCompileCache(${JSON.stringify(dirname(cache))})`,
    `import(${JSON.stringify(pathToFileURL(program).href)})`,
  ]
  const limits = { maxYoungGenerationSizeMb: usualYoungMb, ...resourceLimits }
  return new Worker(steps.filter(Boolean).join('\n'), { eval: true, workerData, resourceLimits: limits })
}
