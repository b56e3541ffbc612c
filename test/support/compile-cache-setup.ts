/** Run for each test file: the server's threads use the compile cache, as in a server that was started. */
import '../../bin/v8-flags.js'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

export const compileCache = join(import.meta.dirname, '../../node_modules/.cache/rustymail')

enableCompileCache(compileCache)
