/**
 * Runs a tool of this project on Node 24, whatever Node runs npm: `node scripts/run.js vitest run`. The `vitest` that
 * npm links would run on the system's Node. Also accepts Node's own arguments, flags or a file. Uses nothing newer than
 * Node 18.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runOnNode24 } from '../bin/node-24.js'

/** Commands whose package has another name. */
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
