/**
 * Runs a tool of this project on Node 24, whatever Node npm runs on: `node scripts/run.js vitest run`. What npm links as
 * `vitest` would run on the system's Node. Also takes what Node itself takes, flags or a file. Nothing newer than Node 18 here.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runOnNode24 } from '../bin/node-24.js'

/** Where a command and its package have different names. */
const packageOf = { tsc: 'typescript', biome: '@biomejs/biome' }

const [what, ...args] = process.argv.slice(2)
runOnNode24([...(/[./]|^-/.test(what) ? [what] : [scriptOf(what)]), ...args])

function scriptOf(command) {
  const name = packageOf[command] ?? command
  const directory = fileURLToPath(new URL(`../node_modules/${name}/`, import.meta.url))
  try {
    const { bin } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
    return join(directory, typeof bin === 'string' ? bin : bin[command])
  } catch {
    console.error(`${name} is not installed: run npm ci without --omit=dev.`)
    process.exit(1)
  }
}
