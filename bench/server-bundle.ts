/**
 * Builds the server's bundle if it is stale: benchmarks that run the sources run their threads from it, as a real
 * server does.
 */
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const { freshBundle, makeBundle } = (await import(join(root, 'bin/bundle.js'))) as {
  freshBundle(root: string): string | undefined
  makeBundle(root: string): Promise<void>
}

export async function serverBundle(): Promise<string> {
  if (freshBundle(root) === undefined) await makeBundle(root)
  const bundle = freshBundle(root)
  if (bundle === undefined) throw new Error('the server could not be bundled')
  return bundle
}
