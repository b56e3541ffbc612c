/**
 * Bundles the server, its threads' programs and the sandbox with the packages that they use: a start reads some 30
 * files instead of 1,050. Lazily loaded modules stay in files of their own. The packages' licences are written beside
 * it.
 */
import { existsSync, globSync, readFileSync, type Stats, statSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { build, normalizePath, type Plugin, type Rolldown } from 'vite'
import { narrowSources } from './narrow-plugin.ts'

/** Not bundled: the swagger packages read files of their own, and pg looks for a native part. */
const external = ['@fastify/swagger', '@fastify/swagger-ui', 'pg']
/** Matches the programs that are passed to `startThread` and `fork`. */
const threadProgramRe = /\bthreadProgram\(import\.meta, '([^']+)'\)/g

export interface ServerBundle {
  /** Packages that the bundle still imports. */
  packages: readonly string[]
  /** Its inputs, each with its stats from before it was read. */
  inputs: ReadonlyMap<string, Stats>
}

/** @param home Folder of the resulting program. @param out A folder in it for `main.js` and all that it loads, flat. */
export async function bundleServer(root: string, home: string, out: string): Promise<ServerBundle> {
  const inputs = new Map<string, Stats>()
  const result = await build({
    root,
    configFile: false,
    logLevel: 'error',
    plugins: [
      remembered(inputs),
      placed(root, relative(out, home)),
      requireTables(),
      withoutUnused(),
      narrowSources(),
      licences(),
    ],
    ssr: { noExternal: true, external },
    build: {
      ssr: true,
      outDir: out,
      emptyOutDir: false,
      copyPublicDir: false,
      target: 'node24',
      minify: false,
      rolldownOptions: {
        input: entries(root),
        // V8 keeps the source in memory, so comments are stripped; one before each module names its source.
        output: { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js', comments: false },
      },
    },
  })
  const { output } = [result].flat()[0] as Rolldown.RolldownOutput
  const imported = output.flatMap(file => (file.type === 'chunk' ? [...file.imports, ...file.dynamicImports] : []))
  const chunks = new Set(output.map(file => file.fileName))
  const packages = new Set(imported.filter(name => !chunks.has(name) && !isBuiltin(name)).map(packageOf))
  const strange = [...packages].filter(name => !external.includes(name))
  if (strange.length > 0) throw new Error(`the server would look for ${strange.join(', ')}, which is not bundled`)
  return { packages: [...packages].sort(), inputs }
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** The program, what prepares its first start, and each thread's program. */
function entries(root: string): Record<string, string> {
  const files = globSync('server/**/*.ts', { cwd: root }).filter(file => !/\.(test|suite)\./.test(file))
  const threads = files.flatMap(file =>
    [...readFileSync(join(root, file), 'utf8').matchAll(threadProgramRe)].map(match =>
      join(dirname(file), `${match[1]}.ts`),
    ),
  )
  const all = ['server/main.ts', 'server/bridge-main.ts', 'server/first-start.ts', ...threads]
  const named = Object.fromEntries(all.map(file => [basename(file, '.ts'), join(root, file)]))
  if (Object.keys(named).length !== all.length) throw new Error(`two of these have one name: ${all.join(', ')}`)
  // No program uses them yet; a test verifies that they can be bundled.
  return { ...named, 'chat-models': join(root, 'server/assistant/adapters/index.ts') }
}

/**
 * Records the bundle's inputs. Each file's stats are taken before it is read, so that a concurrent change makes the
 * bundle stale.
 */
function remembered(inputs: Map<string, Stats>): Plugin {
  return {
    name: 'remembered',
    enforce: 'pre',
    load(id) {
      const file = id.replace(/\?.*$/, '')
      if (!file.startsWith('\0') && existsSync(file) && !inputs.has(file)) inputs.set(file, statSync(file))
      return undefined
    },
  }
}

/**
 * Rewrites paths: a source locates the program's folder and the threads' programs relative to itself, which differs in
 * a bundle.
 */
function placed(root: string, up: string): Plugin {
  return {
    name: 'placed',
    enforce: 'pre',
    transform(code, file) {
      if (!file.startsWith(normalizePath(join(root, 'server/'))) || !code.includes('import.meta')) return undefined
      const folder = normalizePath(join(up, relative(root, dirname(file))))
      return code
        .replaceAll(threadProgramRe, (_, name: string) => `threadProgram(import.meta, '${basename(name)}')`)
        .replaceAll('import.meta.dirname', `(import.meta.dirname + ${JSON.stringify(`/${folder}`)})`)
    },
  }
}

/** Makes hoodiecrow's lookups of commands and plugins by name static, since a bundle has to know all of them. */
function requireTables(): Plugin {
  return {
    name: 'require-tables',
    transform(code, file) {
      if (!/\/hoodiecrow-imap\/lib\//.test(file)) return undefined
      const tables = code.replaceAll(/require\("(\.\/\w+\/)" \+ ([\w.]+\(\))\)/g, (_, folder: string, name: string) => {
        const files = globSync('*.js', { cwd: resolve(dirname(file), folder) }).sort()
        const all = files.map(each => `${JSON.stringify(basename(each, '.js'))}: () => require("${folder}${each}")`)
        return `({ ${all.join(', ')} })[${name}]()`
      })
      // The key of its TLS, which the sandbox does not use, is public in the package; it is not published once more.
      const own = tables.replaceAll(/fs\.readFileSync\(__dirname \+ "[^"]+"\)/g, '""')
      if (own.includes('__dirname')) throw new Error('the sandbox would read a file that is not published')
      // Node prints a deprecation warning in each program that has it outside node_modules, just below the set-up link.
      return own.replaceAll('new Buffer(', 'Buffer.from(')
    },
  }
}

/** What our packages would load in cases that never occur here: V8 would keep its text, 0.7 MB. */
const unused = ['@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler', 'glob']

function withoutUnused(): Plugin {
  return {
    name: 'without-unused',
    enforce: 'pre',
    resolveId: name => (unused.includes(name) ? `\0unused/${name}.cjs` : undefined),
    load(id) {
      const [, name] = /^\0unused\/(.+)\.cjs$/.exec(id) ?? []
      if (name === undefined) return undefined
      const fails = `() => { throw new Error("${name} is not in the bundle") }`
      return `module.exports = ${fails}; module.exports.glob = ${fails}`
    },
  }
}

/** Writes the licences of all bundled packages to LICENSES.txt beside the bundle. */
function licences(): Plugin {
  return {
    name: 'licences',
    writeBundle({ dir }, bundle) {
      const files = Object.values(bundle).flatMap(chunk => (chunk.type === 'chunk' ? chunk.moduleIds : []))
      const folders = new Set(
        files.map(file => /^.*node_modules\/(?!\.)(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? '').filter(Boolean),
      )
      const texts = [...folders].sort().map(folder => {
        const [licence] = globSync('LICEN[CS]E*', { cwd: folder })
        const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
        if (!licence && typeof license !== 'string') throw new Error(`${name} does not say its licence`)
        return `${name} ${version}\n\n${licence ? readFileSync(join(folder, licence), 'utf8').trim() : license}\n`
      })
      writeFileSync(join(dir!, 'LICENSES.txt'), texts.join('\n----\n\n'))
    },
  }
}
