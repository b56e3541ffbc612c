/**
 * Makes what is published: the server as JavaScript, the bundled sandbox, the built page, the way in, and a package.json that
 * names only what these import. Of packages that are large for what is used of them, that alone comes along.
 * `node scripts/run.js scripts/build-package.ts [folder]`, after `vite build`.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, resolve } from 'node:path'
import { bundlePackages } from './bundle-packages.ts'
import { bundleSandbox, packageOf } from './bundle-sandbox.ts'

/** Each brings many times what the server uses of it. */
const bundled = [
  'ai',
  '@ai-sdk/openai-compatible',
  '@openrouter/ai-sdk-provider',
  '@modelcontextprotocol/server',
  'prom-client',
]
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
const dependencies = Object.fromEntries(Object.entries(all).filter(([each]) => !bundled.includes(each)))

rmSync(out, { recursive: true, force: true })
const tsc = join(root, 'node_modules/typescript/bin/tsc')
// Types are checked by `npm run check`, which costs ten times as much as writing the files does.
const words = ['-p', 'tsconfig.build.json', '--noCheck', '--outDir', out]
execFileSync(process.execPath, [tsc, ...words], { cwd: root, stdio: 'inherit' })
rmSync(join(out, 'sandbox'), { recursive: true, force: true })
await bundleSandbox(root, join(out, 'sandbox'), Object.keys(dependencies))
await bundlePackages(root, out, bundled, Object.keys(dependencies))
for (const part of ['bin', 'dist/web', 'README.md', 'LICENSE', 'CHANGELOG.md', '.env.example']) {
  cpSync(join(root, part), join(out, part), { recursive: true })
}
for (const file of globSync('docs/*.*', { cwd: root })) cpSync(join(root, file), join(out, file))

const imported = importedPackages()
const missing = imported.filter(each => !(each in dependencies))
if (missing.length > 0) throw new Error(`not in "dependencies", but imported: ${missing.join(', ')}`)
const idle = Object.keys(dependencies).filter(each => !imported.includes(each))
if (idle.length > 0) throw new Error(`in "dependencies", but never imported: ${idle.join(', ')}`)
const manifest = {
  name,
  version,
  description,
  license,
  type,
  // A checkout needs more, for building the page. Each of these finds the Node that comes along.
  engines: { node: '>=18' },
  bin: { rustymail: 'bin/rustymail.js' },
  files: ['bin', 'contract', 'dist/web', 'docs', 'sandbox', 'server', 'vendor', '.env.example', 'CHANGELOG.md'],
  dependencies,
  optionalDependencies,
}
writeFileSync(join(out, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)

function importedPackages(): string[] {
  const importRe =
    /^(?:import|export)\b[^'"]*?from\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]|\bimport\(['"]([^'"]+)['"]\)/gm
  const files = globSync('{contract,server,sandbox,vendor}/**/*.js', { cwd: out })
  const names = files.flatMap(file =>
    [...readFileSync(join(out, file), 'utf8').matchAll(importRe)].map(match => match[1] ?? match[2] ?? match[3] ?? ''),
  )
  return [...new Set(names.filter(each => !each.startsWith('.') && !isBuiltin(each)).map(packageOf))].sort()
}
