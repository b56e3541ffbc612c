#!/usr/bin/env node
/**
 * The command `rustymail`. Whatever Node runs this, from 18 on, hands over to one that can run the server: so this file and
 * `node-24.js` use nothing newer, and only `start.js`, which is loaded last, may.
 */
import { fileURLToPath } from 'node:url'
import { canRun, runOnNode24, stopWithParent } from './node-24.js'

if (canRun(process.versions.node)) {
  stopWithParent()
  await import('./start.js')
} else {
  runOnNode24([...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)])
}
