/**
 * For each test file: the server's threads run the bundle that was made before all tests, as they do in a server that was started.
 * From the sources each of them loads a hundred modules, which takes three times as much of the processor. Those of the index are one thread
 * for all servers of the process; servers in processes of their own, and the tests of these threads, have real ones.
 */
import { existsSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inject } from 'vitest'
import { HostedWorker } from './hosted-threads.ts'

const threads = process.getBuiltinModule('node:worker_threads')
const sources = pathToFileURL(join(import.meta.dirname, '../../server/')).href
const bundle = inject('bundle')
/** As `startThread` begins a program. */
const importRe = /\bimport\("([^"]+)"\)/
const indexThread = `import("${sources}index/index-thread.ts")`
const known = Symbol.for('rustymail.bundled-threads')

/** A test file shares its process with others. */
if (!(known in threads.Worker)) {
  class BundledWorker extends threads.Worker {
    static [known] = true

    constructor(program: string | URL, options?: ConstructorParameters<typeof threads.Worker>[1]) {
      super(typeof program === 'string' ? program.replace(importRe, bundled) : program, options)
    }
  }
  threads.Worker = new Proxy(BundledWorker, {
    construct: (bundledWorker, [program, options]) =>
      String(program).includes(indexThread)
        ? new HostedWorker(options.workerData)
        : Reflect.construct(bundledWorker, [program, options]),
  })
  syncBuiltinESMExports()
}

/** Programs that only tests have stay what they are. */
function bundled(line: string, source: string): string {
  const file = join(bundle, `${basename(source, '.ts')}.js`)
  return source.startsWith(sources) && existsSync(file) ? line.replace(source, pathToFileURL(file).href) : line
}
