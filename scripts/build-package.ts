/** Puts beside the emitted JavaScript what a published package needs: the way in, the built page, and its own package.json. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const out = join(root, 'dist/package')

mkdirSync(join(out, 'bin'), { recursive: true })
rmSync(join(out, 'dist'), { recursive: true, force: true })
cpSync(join(root, 'dist/web'), join(out, 'dist/web'), { recursive: true })
for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md', '.env.example']) cpSync(join(root, file), join(out, file))

const start = readFileSync(join(root, 'bin/rustymail.js'), 'utf8')
writeFileSync(join(out, 'bin/rustymail.js'), start.replaceAll(/(?<='\.\.\/server\/[a-z-]+)\.ts(?=')/g, '.js'), {
  mode: 0o755,
})

const {
  scripts: _scripts,
  devDependencies: _tools,
  allowScripts: _allow,
  overrides: _overrides,
  ...rest
} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
writeFileSync(
  join(out, 'package.json'),
  `${JSON.stringify({ ...rest, bin: { rustymail: 'bin/rustymail.js' } }, null, 2)}\n`,
)
