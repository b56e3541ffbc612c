/** The real server for the gate benchmark; `--without-gate` removes the gate from GET /api/dashboard/stats. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { api } from '../contract/index.ts'
import { createApp } from '../server/app.ts'
import { loadConfig } from '../server/config.ts'
import type { HttpServerOptions } from '../server/platform/http/http-server.ts'
import { createLogger } from '../server/platform/logger.ts'
import { type Caller, everyScope, type Principal } from '../server/platform/principal.ts'
import { runBundledThreads } from '../test/support/bundled-threads.ts'
import { unlimited } from './measure.ts'
import { serverBundle } from './server-bundle.ts'

const isOpen = process.argv.includes('--without-gate')
const dataDir = mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
const environment = {
  ...process.env,
  RUSTYMAIL_PORT: '0',
  RUSTYMAIL_DATA_DIR: dataDir,
  ...unlimited,
}

// Set before the routes are built from it: the guard lets public endpoints pass immediately.
if (isOpen) Object.assign(api.metrics.getStats, { scope: 'public' })
runBundledThreads(await serverBundle())
const app = createApp(loadConfig([], environment), { logger: createLogger('warn') })
if (isOpen) takeOut(app.http.options)
await app.start()
console.log(`The gate is ${isOpen ? 'out' : 'in'}: ${app.address}`)
console.log((await app.createSetupLink()) ?? '')
process.on('SIGTERM', () => {
  app.stop().then(() => {
    rmSync(dataDir, { recursive: true, force: true })
    process.exit(0)
  })
})

/** Removes the lookup, limits and audit of callers. The caller is fixed, so that requests are counted as before. */
function takeOut(options: HttpServerOptions): void {
  const rights = { scopes: everyScope, accounts: 'all' } as const
  const principal: Principal = { id: 'bench', name: 'Bench', kind: 'api_key', userId: null, ...rights }
  const caller: Caller = { principal, address: '127.0.0.1', userAgent: '' }
  const { observe } = options
  delete options.limits
  delete options.trail
  options.authenticate = () => undefined
  options.observe = outcome => {
    outcome.caller = caller
    observe(outcome)
  }
}
