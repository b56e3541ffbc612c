/** For each test file: threads of the server find their programs compiled, as they do in a server that was started. */
import '../../bin/v8-flags.js'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

export const compileCache = join(import.meta.dirname, '../../node_modules/.cache/rustymail')

enableCompileCache(compileCache)
