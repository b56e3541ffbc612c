/** Loaded before a server under test: the collector, which is for servers that stay (start-memory.ts), is not to be had. */
import { syncBuiltinESMExports } from 'node:module'
import v8 from 'node:v8'

v8.setFlagsFromString = () => undefined
syncBuiltinESMExports()
