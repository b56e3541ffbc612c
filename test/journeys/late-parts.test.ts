/**
 * What the bundle loads late works in the real program: a package that is missing there fails only once it is reached.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, inject, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { mcpPath } from '../../contract/mcp.ts'
import { authorizationServerPath, mcpAuthApi } from '../../contract/mcp-auth.ts'
import { OidcProvider, oidcClientId, oidcClientSecret } from '../support/oidc-provider.ts'
import { startRustyMail } from '../support/rustymail.ts'
import { enter } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'

const folder = inject('bundle')
const codeOf = (file: string) => readFileSync(join(folder, file), 'utf8')

/** Returns the name of a part: the package, or the last of the sources, in it or in what it exports again. */
function nameOf(file: string): string {
  const code = codeOf(file)
  const source = [...code.matchAll(/^\/\/ (\S+)$/gm)].at(-1)?.[1]
  if (source !== undefined) return /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? source
  const [, next] = /from "\.\/([^"]+)"/.exec(code) ?? []
  return next === undefined ? file : nameOf(next)
}

/** Returns the files that are imported late, by their names. */
function lateParts(): Map<string, string> {
  const files = readdirSync(folder).filter(name => name.endsWith('.js'))
  const late = files.flatMap(file => [...codeOf(file).matchAll(/\bimport\("\.\/([^"]+)"\)/g)].map(match => match[1]!))
  return new Map([...new Set(late)].map(file => [nameOf(file), file]))
}

/** A choice of a package that we do not make: Mistral's voice. It fails when it is loaded. */
const never = '__vite-optional-peer-dep:livekit-client:@ai-sdk/mistral'

const threads = 'threads run from the bundle in all tests'
const onlyLoaded = 'only loaded, by the test below'
/** What the life below does not reach, with the test in which the bundle does. */
const elsewhere = {
  [never]: 'never',
  '@ai-sdk/anthropic': onlyLoaded,
  '@ai-sdk/google': onlyLoaded,
  '@ai-sdk/mistral': onlyLoaded,
  '@ai-sdk/openai-compatible': 'assistant-crash.test.ts',
  'iconv-lite': threads,
  nodemailer: 'outbox-crash.test.ts',
  'server/backup-commands.ts': onlyLoaded,
  'server/bridge-main.ts': 'mcp-stdio.test.ts',
  'server/command-outcome.ts': 'commands.test.ts',
  'server/index/text-of-parts.ts': threads,
  'server/mcp/native-adapter.ts': onlyLoaded,
  'server/reading/calendar.ts': threads,
  'server/reading/clean-html.ts': threads,
  'server/reading/decode-body.ts': threads,
  'server/reading/outgoing-body.ts': threads,
  'server/reading/read-parts.ts': threads,
  'server/reading/rtf-text.ts': threads,
  'server/reading/unseen-words.ts': threads,
  'server/webhook-listen.ts': onlyLoaded,
  standardwebhooks: 'webhooks-crash.test.ts',
  'web-push': 'push.test.ts',
}

/** Appends the address of each loaded module to a file. */
const recorder = (file: string) =>
  `data:text/javascript,${encodeURIComponent(`
    import { appendFileSync } from 'node:fs'
    import { registerHooks } from 'node:module'
    const load = (url, context, next) => (appendFileSync(${JSON.stringify(file)}, url + '\\n'), next(url, context))
    registerHooks({ load })`)}`

test('the real program does what needs the late parts of its bundle, and each of them is reached by some test', async () => {
  const dir = tempDir('late-parts')
  onTestFinished(() => dir.remove())
  const provider = await OidcProvider.start()
  onTestFinished(() => provider.close())
  const record = join(dir.path, 'loaded')
  const run = await startRustyMail({
    args: ['--demo'],
    environment: {
      NODE_OPTIONS: `--import=${recorder(record)}`,
      OTEL_EXPORTER_OTLP_ENDPOINT: provider.url,
      RUSTYMAIL_OIDC_ISSUER: provider.url,
      RUSTYMAIL_OIDC_CLIENT_ID: oidcClientId,
      RUSTYMAIL_OIDC_CLIENT_SECRET: oidcClientSecret,
      RUSTYMAIL_OIDC_ROLES: 'crew=viewer',
      RUSTYMAIL_PUBLIC_URL: 'http://rustymail.localhost',
    },
  })
  const cookie = await enter(run.url)
  const statuses = new Map<string, number>()
  const ask = async (method: string, path: string, body?: object) => {
    const headers = { cookie, accept: '*/*, application/json, text/event-stream', origin: 'http://rustymail.localhost' }
    const type = { 'content-type': 'application/json' }
    const init = body ? { headers: { ...headers, ...type }, body: JSON.stringify(body) } : { headers }
    const answer = await fetch(run.url + path, { method, redirect: 'manual', ...init })
    await answer.body?.cancel()
    statuses.set(path, answer.status)
  }
  const { items } = await run.call(api.accounts.listAccounts)
  const params = { account_id: items[0]!.id }
  await expect.poll(async () => (await run.call(api.accounts.getAccount, { params })).state).toBe('ready')
  for (const path of ['/docs/', '/docs/json', '/docs/yaml', '/docs/static/swagger-ui.css']) await ask('GET', path)
  await run.send('POST', mcpPath, { jsonrpc: '2.0', id: 1, method: 'ping' })
  await ask('POST', api.access.beginPasskeySignIn.path, {})
  await ask('GET', '/api/dashboard/session/oidc')
  await ask('PUT', mcpAuthApi.setMcpAuth.path, { enabled: true })
  await ask('GET', authorizationServerPath)
  await ask('POST', api.autoconfig.startDiscovery.path, { email: 'anna@fastmail.com' })
  const body = { to: ['bob@sandbox.example'], subject: 'Hello', body: { format: 'text', content: 'Hello' } }
  const draft = await run.call(api.drafts.createDraft, { params, body })
  const sent = { ...params, draft_id: draft.id }
  await run.call(api.outbox.sendDraft, { params: sent, body: { rev: draft.rev } })
  expect([...statuses].filter(([, status]) => status >= 400)).toEqual([])
  await run.stop()
  expect(run.log()).not.toMatch(/a bug|not in the bundle/)
  const loaded = new Set(
    readFileSync(record, 'utf8')
      .split('\n')
      .map(line => line.split('/').at(-1)),
  )
  const left = [...lateParts()].filter(([, file]) => !loaded.has(file)).map(([name]) => name)
  expect(left.toSorted()).toEqual(Object.keys(elsewhere).toSorted())
})

test('each late part of the bundle can be loaded', () => {
  const wanted = [...lateParts()].filter(([name]) => name !== never)
  const addresses = wanted.map(([, file]) => pathToFileURL(join(folder, file)).href)
  const program = `for (const address of ${JSON.stringify(addresses)}) await import(address)`
  execFileSync(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'pipe' })
})
