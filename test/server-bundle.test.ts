/** The server's bundle: whether it is fresh for the current sources, and what a start loads of it. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, inject, onTestFinished, test } from 'vitest'
import { narrow } from '../scripts/narrow-plugin.ts'
import { tempDir } from './support/temp-dir.ts'

const root = join(import.meta.dirname, '..')
const { freshBundle } = (await import(join(root, 'bin/bundle.js'))) as {
  freshBundle(root: string): string | undefined
}

test('a bundle is used only while each file it was made of is the same', () => {
  const dir = tempDir('bundle')
  onTestFinished(() => dir.remove())
  const place = (name: string) => join(dir.path, name)
  mkdirSync(place('dist/server/made'), { recursive: true })
  const files = ['a.ts', 'b.ts']
  const write = (name: string, text: string, seconds: number) => {
    writeFileSync(place(name), text)
    utimesSync(place(name), seconds, seconds)
  }
  for (const name of files) write(name, 'const now = 1', 1_000)
  const current = place('dist/server/current.json')
  const entries = files.map(name => [name, statSync(place(name)).mtimeMs, statSync(place(name)).size])
  writeFileSync(current, JSON.stringify({ folder: 'made', files: entries }))
  expect(freshBundle(dir.path)).toBe(place('dist/server/made'))

  write('b.ts', 'const now = 2', 1_001)
  expect(freshBundle(dir.path)).toBeUndefined()
  // Restored from an older copy: the modification time goes back.
  write('b.ts', 'const now = 2', 999)
  expect(freshBundle(dir.path)).toBeUndefined()
  write('b.ts', 'const now = 10', 1_000)
  expect(freshBundle(dir.path)).toBeUndefined()
  rmSync(place('b.ts'))
  expect(freshBundle(dir.path)).toBeUndefined()
  write('b.ts', 'const now = 1', 1_000)
  expect(freshBundle(dir.path)).toBe(place('dist/server/made'))

  rmSync(place('dist/server/made'), { recursive: true })
  expect(freshBundle(dir.path)).toBeUndefined()
  mkdirSync(place('dist/server/made'))
  writeFileSync(current, '{')
  expect(freshBundle(dir.path)).toBeUndefined()
})

/** Returns which file of the program a start runs. */
function mainOf(words: string[]): string[] {
  const hook = `import { registerHooks } from 'node:module'
    registerHooks({ load: (url, context, next) => (/\\/main\\.[jt]s$/.test(url) && console.log(url), next(url, context)) })`
  const flags = ['--max-semi-space-size=16', '--import', `data:text/javascript,${encodeURIComponent(hook)}`]
  const out = execFileSync(process.execPath, [...flags, 'bin/rustymail.js', ...words], { cwd: root, encoding: 'utf8' })
  return out.split('\n').filter(line => line.startsWith('file:'))
}

test('the sandbox in the bundle does nothing of which Node warns on the terminal', () => {
  const [file, ...others] = readdirSync(inject('bundle')).filter(name => /^sandbox-server-.*\.js$/.test(name))
  expect(others).toEqual([])
  expect(readFileSync(join(inject('bundle'), file!), 'utf8')).not.toMatch(/\bnew Buffer\(/)
})

test('a start runs the bundle, and the sources when it is asked to, as `npm run dev` does', () => {
  expect(mainOf(['--version'])).toEqual([pathToFileURL(join(inject('bundle'), 'main.js')).href])
  const sources = pathToFileURL(join(root, 'server/main.ts')).href
  expect(mainOf(['--sources', '--version'])).toEqual([sources])
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  expect(scripts.dev).toContain(' --watch ')
  expect(scripts.dev).toMatch(/ bin\/rustymail\.js --sources serve$/)
})

/** Returns a file's static imports, transitively, without lazy ones. */
function loadedWith(folder: string, file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found
  found.add(file)
  const code = readFileSync(join(folder, file), 'utf8')
  for (const [, name] of code.matchAll(/^(?:import|export)\b[^'"]*?from "\.\/([^"]+)"|^import "\.\/([^"]+)"/gm)) {
    if (name !== undefined) loadedWith(folder, name, found)
  }
  for (const [, name] of code.matchAll(/^import "\.\/([^"]+)"/gm)) loadedWith(folder, name!, found)
  return found
}

/** Returns the sources in a file of the bundle, which names each before its code. */
function sourcesOf(folder: string, file: string): string[] {
  return [...readFileSync(join(folder, file), 'utf8').matchAll(/^\s*\/\/ (\S+)$/gm)].map(match => match[1]!)
}

test('what a start loads of the bundle has nothing that the sources load late', () => {
  const folder = inject('bundle')
  const files = [...loadedWith(folder, 'main.js')]
  const started = files.flatMap(file => sourcesOf(folder, file))
  expect(started).toEqual(expect.arrayContaining(['server/app.ts', 'contract/index.ts']))
  const packages = new Set(started.flatMap(file => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []))
  expect([...packages]).toEqual(expect.arrayContaining(['fastify', 'kysely', 'pino', 'zod']))
  const late = [
    '@modelcontextprotocol/server',
    '@opentelemetry/otlp-transformer',
    '@opentelemetry/sdk-trace',
    '@zxcvbn-ts/core',
    'css-tree',
    'iconv-lite',
    'imapflow',
    'parse5',
    'undici',
  ]
  expect(late.filter(name => packages.has(name))).toEqual([])
  // Nor what is never reached.
  expect(['ajv', 'fast-uri', 'glob', 'minimatch'].filter(name => packages.has(name))).toEqual([])
  const all = readdirSync(folder).flatMap(file => (file.endsWith('.js') ? sourcesOf(folder, file) : []))
  expect(late.filter(name => !all.some(file => file.startsWith(`node_modules/${name}/`)))).toEqual([])
  expect(started.filter(file => /^server\/(commands|command-outcome|first-start|prompt)\.ts$/.test(file))).toEqual([])
  // A module in two files would exist twice at runtime.
  expect(all.filter((file, index) => file.startsWith('server/') && all.indexOf(file) !== index)).toEqual([])
})

test('its sources are kept in one byte a character: what is not ASCII is an escape, and means the same', async () => {
  const folder = inject('bundle')
  const wide = readdirSync(folder).filter(file => {
    const code = file.endsWith('.js') ? readFileSync(join(folder, file), 'utf8') : ''
    return /[\u0080-\uffff]/.test(code)
  })
  // Tables of character sets are mostly non-ASCII, and escaping would enlarge them.
  expect(wide.every(file => sourcesOf(folder, file).some(source => source.includes('iconv-lite')))).toBe(true)
  const code =
    "export default ['é', 'ł', '\\ł', '\\\\ł', `…–`, /[\\–ł]+/.exec('a–łb')[0], '🙂'.length, /^[😀-🙂]$/u.test('🙂')]"
  const narrowed = narrow(code)
  expect(narrowed).not.toMatch(/[\u0080-\uffff]/)
  const read = async (text: string) => (await import(`data:text/javascript,${encodeURIComponent(text)}`)).default
  expect(await read(narrowed)).toEqual(await read(code))
  expect(() => narrow('String.raw`ł`')).toThrow('String.raw')
})
