/**
 * Bundles what the server uses of packages that are large for it: sources, types and maps of theirs would be a third of what is
 * installed. Their licences are written beside it.
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { build } from 'vite'
import { licences, packageOf } from './bundle-sandbox.ts'

/** At the top of a file, and when it is first needed; both name what they take. */
const taken = /\b(?:import \{(?<named>[^}]+)\} from |const \{(?<late>[^}]+)\} = await import\()'(?<from>[^']+)'/g
const mentioned = /(?:\bfrom |\bimport\(|\bimport )'([^']+)'/g

/**
 * @param out The server as JavaScript; what it imports of these packages comes from `vendor/` afterwards.
 * @param packages To be bundled. @param others Stay what they are.
 */
export async function bundlePackages(
  root: string,
  out: string,
  packages: readonly string[],
  others: readonly string[],
): Promise<void> {
  const files = globSync('server/**/*.js', { cwd: out }).map(file => join(out, file))
  const entries = new Map<string, Set<string>>()
  for (const file of files) {
    const code = readFileSync(file, 'utf8')
    const changed = code.replace(taken, (line, ...found) => {
      const { named, late, from } = found.at(-1) as { named?: string; late?: string; from: string }
      if (!packages.includes(packageOf(from))) return line
      const names = entries.get(from) ?? new Set()
      entries.set(from, names)
      for (const name of (named ?? late ?? '').split(',')) names.add(name.trim().split(/[\s:]/)[0]!)
      return line.replace(`'${from}'`, `'${relative(dirname(file), join(out, 'vendor', fileOf(from)))}'`)
    })
    for (const [, from = ''] of changed.matchAll(mentioned)) {
      if (packages.includes(packageOf(from))) throw new Error(`${file} takes ${from} in a way that is not read here`)
    }
    if (changed !== code) writeFileSync(file, changed)
  }
  const missing = packages.filter(name => ![...entries.keys()].some(from => packageOf(from) === name))
  if (missing.length > 0) throw new Error(`bundled, but never imported: ${missing.join(', ')}`)
  // In the project, where its packages are found.
  const sources = join(root, 'node_modules/.cache/rustymail-vendor')
  rmSync(sources, { recursive: true, force: true })
  mkdirSync(sources, { recursive: true })
  for (const [from, names] of entries) {
    writeFileSync(join(sources, fileOf(from)), `export { ${[...names].sort().join(', ')} } from '${from}'\n`)
  }
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    plugins: [licences()],
    ssr: { noExternal: true, external: [...others] },
    build: {
      ssr: true,
      outDir: join(out, 'vendor'),
      emptyOutDir: false,
      copyPublicDir: false,
      target: 'node24',
      minify: false,
      rolldownOptions: {
        input: [...entries.keys()].map(from => join(sources, fileOf(from))),
        output: { entryFileNames: '[name].js', chunkFileNames: 'shared-[hash].js' },
      },
    },
  })
  rmSync(sources, { recursive: true, force: true })
}

function fileOf(specifier: string): string {
  return `${specifier.replaceAll(/[^a-z-]+/g, '-').replace(/^-/, '')}.js`
}
