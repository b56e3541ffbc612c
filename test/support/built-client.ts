/** `rustymail/client` as a package ships it: built once into a folder, where programs import it by its name. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { buildClient } from '../../scripts/build-client.ts'
import { clientExports } from '../../scripts/client-exports.ts'
import { tempDir } from './temp-dir.ts'

export interface BuiltClient {
  /** A folder whose programs can import `rustymail/client`. */
  folder: string
  /** Path of the built module. */
  module: string
  remove(): void
}

export async function builtClient(): Promise<BuiltClient> {
  const dir = tempDir('client')
  const home = join(dir.path, 'node_modules/rustymail')
  mkdirSync(join(home, 'client'), { recursive: true })
  const manifest = { name: 'rustymail', version: '0.0.0', type: 'module', exports: clientExports }
  writeFileSync(join(home, 'package.json'), JSON.stringify(manifest))
  writeFileSync(join(dir.path, 'package.json'), '{ "type": "module", "private": true }')
  await buildClient(join(home, 'client'))
  return { folder: dir.path, module: join(home, 'client/index.js'), remove: () => dir.remove() }
}

/** Lists the Node versions that a program may run on: that of this test, and the system's own where it differs. */
export function nodes(): { version: string; path: string }[] {
  const found = new Map([[process.version, process.execPath]])
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, 'node')
    try {
      const version = execFileSync(path, ['--version'], { encoding: 'utf8' }).trim()
      if (!found.has(version)) found.set(version, path)
    } catch {
      // This folder has no such program.
    }
  }
  return [...found].map(([version, path]) => ({ version, path }))
}
