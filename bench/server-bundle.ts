/** The server's bundle, made when it is stale: benchmarks that run the sources have their threads run it, as a real server's do. */
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
