/**
 * Bundles the sandbox with the packages that nothing else uses, so that anyone who installs RustyMail gets neither the test server
 * it is made of nor what that one depends on. Their licences are written beside it.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { build, type Plugin, type Rolldown } from 'vite'

/** @param packages What the published package depends on: not bundled. */
export async function bundleSandbox(root: string, outDir: string, packages: readonly string[]): Promise<void> {
  const result = await build({
    root,
    configFile: false,
    logLevel: 'warn',
    plugins: [requireTables(), licences()],
    ssr: { noExternal: true, external: [...packages] },
    build: {
      ssr: 'sandbox/sandbox-server.ts',
      outDir,
      emptyOutDir: false,
      copyPublicDir: false,
      target: 'node24',
      minify: false,
      rolldownOptions: { output: { entryFileNames: 'sandbox-server.js' } },
    },
  })
  const { output } = [result].flat()[0] as Rolldown.RolldownOutput
  const chunks = output.filter(file => file.type === 'chunk')
  if (chunks.length !== 1) throw new Error(`one file was to come of the sandbox, not ${chunks.length}`)
  if (/\b__dirname\b/.test(chunks[0]!.code)) throw new Error('the sandbox would read a file that is not published')
  const foreign = (chunks[0]?.imports ?? []).filter(
    name => !name.startsWith('node:') && !packages.includes(packageOf(name)),
  )
  if (foreign.length > 0) throw new Error(`the sandbox would look for ${foreign.join(', ')}, which nobody installs`)
}

/** hoodiecrow looks up commands and plugins by name when it needs them; a bundle has to know all of them. */
function requireTables(): Plugin {
  return {
    name: 'require-tables',
    transform(code, file) {
      if (!/hoodiecrow-imap\/lib\/server\.js$/.test(file)) return undefined
      const tables = code.replaceAll(/require\("(\.\/\w+\/)" \+ ([\w.]+\(\))\)/g, (_, folder: string, name: string) => {
        const files = globSync('*.js', { cwd: resolve(dirname(file), folder) }).sort()
        const entries = files.map(each => `${JSON.stringify(basename(each, '.js'))}: () => require("${folder}${each}")`)
        return `({ ${entries.join(', ')} })[${name}]()`
      })
      // The key of its TLS, which the sandbox does without, is on everybody's disk: it is not published once more.
      return tables.replaceAll(/fs\.readFileSync\(__dirname \+ "[^"]+"\)/g, '""')
    },
  }
}

/** Writes those of all packages that are in the bundle to LICENSES.txt beside it. */
export function licences(): Plugin {
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

export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
