/** What is published: packed, installed into an empty folder and run there; and a checkout that has only what is published. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { collect, key } from '../../server/assistant/chat-model.suite.ts'
import { connectMcp, eras } from '../support/mcp-client.ts'
import { ModelStandIn } from '../support/model-stand-in.ts'
import { apiKey, spawnRustyMail, startRustyMail } from '../support/rustymail.ts'
import { tempDir } from '../support/temp-dir.ts'

const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)
const isOffline = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH)\b/

const models = ['openai', 'openrouter'] as const

/** Of all that was installed but the Node that comes along. */
function installedBytes(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter(file => !file.startsWith(join(folder, 'node-')))
  return files.reduce((sum, file) => sum + statSync(file).size, 0)
}

function folder(name: string): string {
  const dir = tempDir(name)
  onTestFinished(() => dir.remove())
  return dir.path
}

test('packed and installed into an empty folder, it serves its page and the sandbox, and depends on nothing else', async context => {
  const [built, home] = [folder('built'), folder('installed')]
  await run(process.execPath, ['scripts/build-package.ts', built], { cwd: root })
  const packed = await run('npm', ['pack', '--json', '--pack-destination', home], { cwd: built })
  const [{ filename, files }] = JSON.parse(packed.stdout) as [{ filename: string; files: { path: string }[] }]
  const paths = files.map(file => file.path)
  expect(paths).toEqual(
    expect.arrayContaining(['bin/rustymail.js', 'client/index.js', 'dist/web/index.html', 'README.md', 'LICENSE']),
  )
  expect(paths.filter(path => /\.(test|suite)\.|(?<!\.d)\.ts$|node_modules/.test(path))).toEqual([])

  writeFileSync(join(home, 'package.json'), '{ "private": true }')
  try {
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', filename], { cwd: home })
  } catch (error) {
    if (process.env.RUSTYMAIL_TEST_REQUIRE === 'all' || !isOffline.test(String(error))) throw error
    context.skip('the registry cannot be reached')
  }
  const installed = readdirSync(join(home, 'node_modules'))
  expect(installed).toEqual(expect.arrayContaining(['rustymail', 'pg']))
  for (const name of [
    'vite',
    'react',
    'tailwindcss',
    'hoodiecrow-imap',
    'optimist',
    'minimist',
    'typescript',
    '@ai-sdk',
    'zod',
    'kysely',
  ]) {
    expect(installed).not.toContain(name)
  }
  expect(installedBytes(join(home, 'node_modules'))).toBeLessThan(60_000_000)

  const child = spawn(process.execPath, ['node_modules/rustymail/bin/rustymail.js', 'serve', '--demo'], {
    cwd: home,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, RUSTYMAIL_PORT: '0', RUSTYMAIL_API_KEY: apiKey },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const closed = once(child, 'close')
  const url = await listeningAddress(child.stdout)
  expect(await (await fetch(`${url}/health/live`)).json()).toEqual({ status: 'live' })
  const page = await (await fetch(url, { headers: { accept: 'text/html' } })).text()
  const [script] = /\/assets\/[\w-]+\.js/.exec(page)!
  expect((await fetch(url + script)).status).toBe(200)
  const accounts = async () => {
    const answer = await fetch(url + api.accounts.listAccounts.path, { headers: { authorization: `Bearer ${apiKey}` } })
    return api.accounts.listAccounts.response.parse(await answer.json()).items.map(item => [item.name, item.state])
  }
  await expect.poll(accounts).toEqual([['Sandbox', 'ready']])
  // What it reads beside its code came along.
  const looked = await fetch(url + api.autoconfig.startDiscovery.path, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'anna@gmail.com' }),
  })
  expect(await looked.json()).toMatchObject({ candidates: [{ imap: { host: 'imap.gmail.com' } }] })
  // What was bundled does its work: figures, agents, models.
  const headers = { authorization: `Bearer ${apiKey}` }
  expect(await (await fetch(`${url}/metrics`, { headers })).text()).toMatch(/^# TYPE \w+ histogram$/m)
  for (const era of eras) expect((await (await connectMcp(url, headers, era)).listTools()).tools).not.toEqual([])
  const { createChatModels } = (await import(
    join(home, 'node_modules/rustymail/server/chat-models.js')
  )) as typeof import('../../server/assistant/adapters/index.ts')
  for (const dialect of models) {
    await using standIn = await ModelStandIn.start(dialect)
    const baseUrl = dialect === 'openai' ? `${standIn.url}/v1` : `${standIn.url}/api/v1`
    const [model] = createChatModels({ [dialect]: { baseUrl, apiKey: key, model: 'stand-in-1' } })
    const parts = await collect(model!)
    expect([dialect, parts.at(-1)]).toMatchObject([dialect, { type: 'finish' }])
  }
  child.kill('SIGTERM')
  expect(await closed).toEqual([0, null])
  expect(readdirSync(join(home, 'data')).sort()).toEqual(['audit.head', 'index', 'rustymail.db', 'secret.key'])
})

/** As after `npm ci --omit=dev`: each package that the lock file does not call one for development. */
function linkPublishedPackages(home: string): void {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean }>
  }
  for (const [path, { dev, devOptional }] of Object.entries(packages)) {
    if (path === '' || dev || devOptional || path.lastIndexOf('node_modules/') > 0 || !existsSync(join(root, path)))
      continue
    mkdirSync(dirname(join(home, path)), { recursive: true })
    symlinkSync(join(root, path), join(home, path))
  }
}

test('a checkout without development packages says what is missing, and serves a page that was built elsewhere', async () => {
  const home = folder('omit-dev')
  for (const part of ['bin', 'contract', 'server', 'sandbox', 'web', 'package.json', 'package-lock.json']) {
    cpSync(join(root, part), join(home, part), { recursive: true })
  }
  linkPublishedPackages(home)
  const dataDir = join(home, 'data')
  const { child, log } = spawnRustyMail({ root: home, dataDir })
  onTestFinished(() => void child.kill('SIGKILL'))
  expect(await once(child, 'close')).toEqual([1, null])
  const lines = log().trim().split('\n')
  expect(lines.slice(0, -1)).toEqual([
    expect.stringContaining('first start'),
    expect.stringContaining('Compiling'),
    expect.stringContaining('Prepared in'),
  ])
  expect(lines.at(-1)).toContain(
    'the page is not built, and its build tools are not installed: run npm ci without --omit=dev',
  )

  cpSync(join(root, 'dist/web'), join(home, 'dist/web'), { recursive: true })
  const server = await startRustyMail({ root: home, dataDir })
  expect((await fetch(server.url, { headers: { accept: 'text/html' } })).status).toBe(200)
  const answer = await server.send('POST', api.accounts.startSandbox.path)
  expect(answer.status).toBe(503)
  expect(await answer.json()).toMatchObject({ code: 'sandbox_missing' })
})

test('what the server loads late is in the compile cache too', () => {
  const start = readFileSync(join(root, 'bin/start.js'), 'utf8')
  const [, list = ''] = /^const late = \[([^\]]*)\]$/m.exec(start)!
  const late = [...list.matchAll(/'([^']+)'/g)].map(match => match[1]!)
  const sources = readdirSync(join(root, 'server'), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts') && !/\.(test|suite)\./.test(file))
    .flatMap(file => {
      const text = readFileSync(join(root, 'server', file), 'utf8')
      const imported = [...text.matchAll(/\bimport\('(\.[^']+)\.ts'\)/g)]
      // Compiled for the program alone, the program of a thread would be compiled again by each thread.
      const threads = [...text.matchAll(/\bthreadProgram\(import\.meta, '([^']+)'\)/g)]
      return [...imported, ...threads].map(match => join('server', dirname(file), match[1]!))
    })
  // Some are loaded from several places.
  expect(late.toSorted()).toEqual([...new Set(sources)].toSorted())
})

async function listeningAddress(stdout: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stdout })) {
    const [url] = /http:\/\/[\d.]+:\d+/.exec(line) ?? []
    if (url) return url
  }
  throw new Error('it did not start')
}
