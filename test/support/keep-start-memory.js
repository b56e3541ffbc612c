/**
 * Preloaded into servers under test: disables the garbage collection of start-memory.ts, which is meant for
 * long-running servers.
 */
import { syncBuiltinESMExports } from 'node:module'
import v8 from 'node:v8'

v8.setFlagsFromString = () => undefined
syncBuiltinESMExports()
