/** Before all tests: prepares what the servers of the journeys would else prepare all at the same time, each with words about it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { buildPageWhenStale } from '../../server/platform/http/page-build.ts'

const root = join(import.meta.dirname, '../..')

export default async function setup(): Promise<void> {
  // Refused for its port, but before that it fills the cache when that is stale.
  const child = spawn(process.execPath, ['bin/rustymail.js', 'serve', '--port', 'none'], { cwd: root, stdio: 'ignore' })
  await once(child, 'close')
  await buildPageWhenStale(root)
}
