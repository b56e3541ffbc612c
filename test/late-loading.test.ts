/** A start does not load what an idle server does not need: each of these costs memory that most servers never use. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { tempDir } from './support/temp-dir.ts'

const root = join(import.meta.dirname, '..')
const address = (file: string) => JSON.stringify(pathToFileURL(join(root, file)).href)

/** Starts a server in a process of its own, and prints what was loaded until it listened. */
const program = `
  import { registerHooks } from 'node:module'
  const files = []
  const localized = []
  const recorded = call => (...words) => {
    localized.push(new Error().stack)
    return call(...words)
  }
  for (const [owner, name] of [[Number.prototype, 'toLocaleString'], [Date.prototype, 'toLocaleString'], [Intl, 'NumberFormat'], [Intl, 'DateTimeFormat']])
    owner[name] = new Proxy(owner[name], { apply: recorded(Reflect.apply), construct: recorded(Reflect.construct) })
  registerHooks({
    load(url, context, next) {
      files.push(url)
      return next(url, context)
    },
  })
  await import(${address('server/main.ts')})
  const { loadConfig } = await import(${address('server/config.ts')})
  const { createApp } = await import(${address('server/app.ts')})
  const app = createApp(loadConfig(['serve'], process.env))
  await app.start()
  console.log(JSON.stringify({ files, internals: process.moduleLoadList, localized }))
  await app.stop()
`

function loadedAtStart(): { files: string[]; internals: string[]; localized: string[] } {
  const dir = tempDir('late-loading')
  try {
    const words = ['--input-type=module', '--eval', program]
    const env = { ...process.env, RUSTYMAIL_PORT: '0', RUSTYMAIL_DATA_DIR: dir.path, RUSTYMAIL_LOG_LEVEL: 'silent' }
    const out = execFileSync(process.execPath, words, { cwd: root, env, encoding: 'utf8' })
    return JSON.parse(out.trim().split('\n').at(-1) ?? '')
  } finally {
    dir.remove()
  }
}

test('a start loads no package that only some servers need, no command, and not all of what Node has', () => {
  const { files, internals, localized } = loadedAtStart()
  const packages = new Set(files.map(file => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]))
  expect([...packages]).toEqual(expect.arrayContaining(['fastify', 'kysely', 'pino', 'prom-client', 'zod']))
  const late = [
    '@fastify/swagger',
    '@fastify/swagger-ui',
    '@modelcontextprotocol/server',
    '@opentelemetry/otlp-transformer',
    '@opentelemetry/sdk-trace',
    '@simplewebauthn/server',
    '@zxcvbn-ts/core',
    '@ai-sdk/openai-compatible',
    'css-tree',
    'iconv-lite',
    'imapflow',
    'jose',
    'nodemailer',
    'oidc-provider',
    'openid-client',
    'parse5',
    'pg',
    'undici',
    'yaml',
  ]
  expect(late.filter(name => packages.has(name))).toEqual([])
  const own = new Set(files.flatMap(file => /\/(server\/.*)$/.exec(file)?.[1] ?? []))
  expect(own).toContain('server/app.ts')
  const commands = ['backup-commands', 'command-outcome', 'commands', 'first-start', 'prompt'].map(
    name => `server/${name}.ts`,
  )
  expect(commands.filter(file => own.has(file))).toEqual([])
  // Any `import` of `node:http` reads its WebSocket, and with it loads Node's own fetch.
  expect(internals.length).toBeGreaterThan(100)
  expect(internals.filter(name => name.includes('internal/deps/undici'))).toEqual([])
  // The first such call makes ICU load its locale data, 5 MiB.
  expect(localized).toEqual([])
})
