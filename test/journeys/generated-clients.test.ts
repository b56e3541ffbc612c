/** Clients generated from docs/openapi.json compile strictly, and responses match their types. */
import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { startApp } from '../support/people.ts'
import { tempDir } from '../support/temp-dir.ts'

const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)
const at = (path: string) => join(root, 'node_modules', path)
/** Both generators use the API of TypeScript 5, which newer releases lack. One of them depends on it. */
const typescript = createRequire(createRequire(import.meta.url).resolve('oazapfts')).resolve('typescript')
const withTypescript = `import { registerHooks } from 'node:module'
const url = ${JSON.stringify(pathToFileURL(typescript).href)}
registerHooks({ resolve: (name, context, next) => (name === 'typescript' ? { url, shortCircuit: true } : next(name, context)) })
`

/** Wrong uses are compiler errors: otherwise the types would be useless. */
const useFetch = `import createClient from 'openapi-fetch'
import type { paths } from './schema.d.ts'

const [baseUrl = '', token = ''] = process.argv.slice(2)
const client = createClient<paths>({ baseUrl, headers: { authorization: \`Bearer \${token}\` } })
const accounts = await client.GET('/api/v1/accounts')
if (!accounts.data) throw new Error(accounts.error.code)
const account_id: string = accounts.data.items[0]!.id
const params = { path: { account_id }, query: { limit: 1 } }
const { data, response } = await client.GET('/api/v1/accounts/{account_id}/messages', { params })
// @ts-expect-error: a limit is a number
await client.GET('/api/v1/accounts/{account_id}/messages', { params: { ...params, query: { limit: 'one' } } })
// @ts-expect-error: there is no such address
await client.GET('/api/v1/nowhere')
const refused = await client.DELETE('/api/dashboard/clients/{client_id}', { params: { path: { client_id: 'x' } } })
const code: string | undefined = refused.error?.code
console.log(JSON.stringify([data?.items[0]?.subject, data?.total, response.headers.get('ratelimit') !== null, code]))
`
const useFunctions = `import { accountsListMailAccounts, clientsDisconnectClient, defaults, mailListMessages } from './functions.ts'

const [baseUrl = '', token = ''] = process.argv.slice(2)
Object.assign(defaults, { baseUrl, headers: { authorization: \`Bearer \${token}\` } })
const accounts = await accountsListMailAccounts()
if (accounts.status !== 200) throw new Error(JSON.stringify(accounts.data))
const account: string = accounts.data.items[0]!.id
const messages = await mailListMessages(account, { limit: 1 })
// @ts-expect-error: a limit is a number
await mailListMessages(account, { limit: 'one' })
const refused = await clientsDisconnectClient('x')
const code: string | undefined = refused.status === 403 ? refused.data.code : undefined
if (messages.status !== 200) throw new Error(messages.data.code)
console.log(JSON.stringify([messages.data.items[0]?.subject, messages.data.total, messages.headers.has('ratelimit'), code]))
`

let dir: string

beforeAll(async () => {
  const temp = tempDir('generated-clients')
  dir = temp.path
  mkdirSync(join(dir, 'node_modules'))
  for (const name of ['openapi-fetch', 'openapi-typescript-helpers', '@oazapfts', '@types']) {
    symlinkSync(at(name), join(dir, 'node_modules', name))
  }
  copyFileSync(join(root, 'docs/openapi.json'), join(dir, 'openapi.json'))
  const compilerOptions = {
    target: 'es2024',
    module: 'nodenext',
    lib: ['es2024', 'dom', 'dom.iterable'],
    types: ['node'],
    strict: true,
    noEmit: true,
    noUncheckedIndexedAccess: true,
    allowImportingTsExtensions: true,
    skipLibCheck: false,
  }
  const files = {
    'package.json': JSON.stringify({ type: 'module' }),
    'tsconfig.json': JSON.stringify({ compilerOptions, include: ['*.ts'] }),
    'with-typescript.mjs': withTypescript,
    'use-fetch.ts': useFetch,
    'use-functions.ts': useFunctions,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  return () => temp.remove()
})

test('two generators read it, what they make compiles with its uses, and calls by it are answered as the types say', async () => {
  const node = (...args: string[]) => run(process.execPath, args, { cwd: dir })
  const hook = ['--import', './with-typescript.mjs']
  await node(...hook, at('openapi-typescript/bin/cli.js'), 'openapi.json', '-o', 'schema.d.ts')
  await node(at('oazapfts/dist/cli.js'), '--futureStripLegacyMethods', 'openapi.json', 'functions.ts')
  await run(at('.bin/tsc'), ['-p', dir]).catch((error: { stdout: string }) => {
    throw new Error(error.stdout)
  })

  const gateway = new MemoryGateway()
  const { people } = await startApp({ overrides: { gateway } })
  const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user: 'ann', password: 'secret' }
  const path = `${api.accounts.createAccount.path}?verify=false`
  const { id } = await people.tell<Account>(people.admin, 'POST', path, { email: 'ann@example.org', imap })
  for (const subject of ['breakfast', 'lunch']) gateway.deliver({ subject })
  const { secret } = await people.token(['mail:read'], [id])
  for (const program of ['use-fetch.ts', 'use-functions.ts']) {
    const { stdout } = await node(program, people.url, secret)
    expect([program, JSON.parse(stdout)]).toEqual([program, ['lunch', 2, true, 'forbidden']])
  }
})
