/**
 * Run before all tests: prepares what the journeys' servers would otherwise all prepare at the same time, each with log
 * lines about it.
 */
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
    /** The folder of the server's bundle, built from the current sources. */
    bundle: string
  }
}

export default async function setup(project: TestProject): Promise<void> {
  await prepare(project)
  project.onTestsRerun(() => prepare(project))
}

async function prepare(project: TestProject): Promise<void> {
  // Starts with the bundle, for servers in their own processes and for threads, and with the sources, for tests of
  // these.
  for (const words of [[], ['--sources']]) {
    // The port is refused, but stale files are rebuilt before that.
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

/**
 * Compiles the threads' programs that only tests have: many threads compiling them at once could crash the process
 * (start-thread.ts).
 */
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
