/** Before all tests: prepares what the servers of the journeys would else prepare all at the same time, each with words about it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { TestProject } from 'vitest/node'
import { buildPageWhenStale } from '../../server/platform/http/page-build.ts'
import { compileCache } from './compile-cache-setup.ts'

const root = join(import.meta.dirname, '../..')
const { freshBundle } = (await import(join(root, 'bin/bundle.js'))) as {
  freshBundle(root: string): string | undefined
}

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder of the server's bundle, made of the sources as they are. */
    bundle: string
  }
}

export default async function setup(project: TestProject): Promise<void> {
  await prepare(project)
  project.onTestsRerun(() => prepare(project))
}

async function prepare(project: TestProject): Promise<void> {
  // The bundle, for servers in processes of their own and for threads; the sources, for tests of these.
  for (const words of [[], ['--sources']]) {
    // Refused for its port, but before that it makes what is stale.
    const program = ['bin/rustymail.js', ...words, 'serve', '--port', 'none']
    await once(spawn(process.execPath, program, { cwd: root, stdio: 'ignore' }), 'close')
  }
  const bundle = freshBundle(root)
  if (bundle === undefined)
    throw new Error('the server could not be bundled: node scripts/run.js scripts/build-server.ts says why')
  project.provide('bundle', bundle)
  await compileThreads()
  await buildPageWhenStale(root)
}

/** Programs of threads that only tests have: compiled at once by many threads, they could end the process (start-thread.ts). */
async function compileThreads(): Promise<void> {
  const programs = [
    ...['index-thread.ts', 'thread-host.ts'].map(name => join(import.meta.dirname, name)),
    join(root, 'server/mail/page-writer.ts'),
  ]
  const addresses = JSON.stringify(programs.map(program => pathToFileURL(program).href))
  const flags = pathToFileURL(join(root, 'bin/v8-flags.js')).href
  const cache = `require('node:module').enableCompileCache(${JSON.stringify(compileCache)})`
  const words = `import('${flags}').then(() => { ${cache}; return Promise.all(${addresses}.map(address => import(address))) })`
  const [code] = await once(spawn(process.execPath, ['-e', words], { stdio: 'inherit' }), 'close')
  if (code !== 0) throw new Error(`the threads of tests were not compiled: exit code ${code}`)
}
