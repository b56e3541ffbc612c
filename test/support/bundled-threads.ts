/**
 * Makes the server's threads run a bundle, as in a server that was started, while the server itself runs the sources.
 * From the sources each thread loads a hundred modules: three times the CPU time, and about 40 MiB more without a
 * compile cache.
 */
import { existsSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'

const threads = process.getBuiltinModule('node:worker_threads')
const sources = pathToFileURL(join(import.meta.dirname, '../../server/')).href
/** The import by which `startThread` begins a program. */
const importRe = /\bimport\("([^"]+)"\)/
const known = Symbol.for('rustymail.bundled-threads')

type Options = NonNullable<ConstructorParameters<typeof threads.Worker>[1]>

/**
 * Replaces the programs of threads in this process from now on. @param bundle The folder of the bundle. @param
 * inPlaceOf Returns a stand-in for the thread of a program.
 */
export function runBundledThreads(
  bundle: string,
  inPlaceOf: (program: string, options: Options) => object | undefined = () => undefined,
): void {
  if (known in threads.Worker) return
  /** Programs that exist only in tests are left as they are. */
  const bundled = (line: string, source: string): string => {
    const file = join(bundle, `${basename(source, '.ts')}.js`)
    return source.startsWith(sources) && existsSync(file) ? line.replace(source, pathToFileURL(file).href) : line
  }
  class BundledWorker extends threads.Worker {
    static [known] = true

    constructor(program: string | URL, options?: Options) {
      super(typeof program === 'string' ? program.replace(importRe, bundled) : program, options)
    }
  }
  threads.Worker = new Proxy(BundledWorker, {
    construct: (worker, [program, options = {}]) =>
      inPlaceOf(String(program), options) ?? Reflect.construct(worker, [program, options]),
  })
  syncBuiltinESMExports()
}
