/**
 * The server's threads run a bundle, as they do in a server that was started, while the server itself runs the sources. From those each
 * thread loads a hundred modules: three times the processor time, and without a compile cache some 40 MiB more.
 */
import { existsSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'

const threads = process.getBuiltinModule('node:worker_threads')
const sources = pathToFileURL(join(import.meta.dirname, '../../server/')).href
/** As `startThread` begins a program. */
const importRe = /\bimport\("([^"]+)"\)/
const known = Symbol.for('rustymail.bundled-threads')

type Options = NonNullable<ConstructorParameters<typeof threads.Worker>[1]>

/** From now on, in this process. @param bundle The folder of the bundle. @param inPlaceOf Answers what stands for the thread of a program. */
export function runBundledThreads(
  bundle: string,
  inPlaceOf: (program: string, options: Options) => object | undefined = () => undefined,
): void {
  if (known in threads.Worker) return
  /** Programs that only tests have stay what they are. */
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
