/**
 * Builds the published package: the bundled server and sandbox, the built page, the launcher, and a package.json that
 * lists only what these still import. `node scripts/run.js scripts/build-package.ts [folder]`, after `vite build`.
 */
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { buildClient } from './build-client.ts'
import { bundleServer } from './bundle-server.ts'
import { clientExports } from './client-exports.ts'

const root = join(import.meta.dirname, '..')
const out = resolve(process.argv[2] ?? join(root, 'dist/package'))
const {
  name,
  version,
  description,
  license,
  type,
  dependencies: all,
  optionalDependencies,
} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
const { packages } = await bundleServer(root, out, join(out, 'server'))
await buildClient(join(out, 'client'))
const missing = packages.filter(each => !(each in all))
if (missing.length > 0) throw new Error(`not in "dependencies", but imported: ${missing.join(', ')}`)
const dependencies = Object.fromEntries(packages.map(each => [each, all[each]]))
for (const part of ['bin', 'dist/web', 'README.md', 'LICENSE', 'CHANGELOG.md', '.env.example']) {
  cpSync(join(root, part), join(out, part), { recursive: true })
}
// The bundled server reads these at the path that they have relative to the sources.
const providers = 'server/autoconfig/providers'
cpSync(join(root, providers), join(out, providers), { recursive: true })
for (const file of globSync('docs/*.*', { cwd: root })) cpSync(join(root, file), join(out, file))

const manifest = {
  name,
  version,
  description,
  license,
  type,
  // A checkout needs more, for building the page. Each of these finds the bundled Node package.
  engines: { node: '>=18' },
  bin: { rustymail: 'bin/rustymail.js' },
  exports: clientExports,
  files: ['bin', 'client', 'dist/web', 'docs', 'server', '.env.example', 'CHANGELOG.md'],
  dependencies,
  optionalDependencies,
}
writeFileSync(join(out, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
