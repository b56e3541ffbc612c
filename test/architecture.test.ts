/** Enforces the architecture of docs/architecture.md. To allow a new arrow, change a table here, in the same commit. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, posix } from 'node:path'
import { test } from 'vitest'

/** Features that each feature may use. A feature may only use features above it. */
const uses: Record<string, string[]> = {
  tools: [],
  leases: [],
  events: [],
  audit: ['events'],
  backup: ['audit'],
  users: ['events'],
  access: ['events', 'users'],
  tokens: ['events', 'users', 'access'],
  oidc: ['events', 'users', 'access'],
  profile: ['events', 'users', 'access'],
  clients: ['events'],
  metrics: ['events'],
  history: ['events'],
  logs: [],
  accounts: ['tools', 'events'],
  'mail-oauth': ['events', 'accounts'],
  health: ['accounts'],
  autoconfig: ['accounts'],
  settings: ['events', 'accounts'],
  reading: [],
  agents: ['events', 'reading'],
  index: ['reading'],
  imap: ['accounts', 'reading'],
  sync: ['leases', 'events', 'accounts', 'imap', 'index'],
  mail: ['tools', 'events', 'accounts', 'settings', 'reading', 'imap', 'sync', 'index'],
  operations: ['tools', 'leases', 'events', 'accounts', 'imap', 'index', 'sync', 'mail'],
  blobs: [],
  freezes: ['events'],
  drafts: ['tools', 'leases', 'events', 'accounts', 'imap', 'index', 'mail', 'reading', 'blobs', 'sync'],
  policies: ['events', 'tokens', 'drafts'],
  outbox: [
    'tools',
    'leases',
    'events',
    'accounts',
    'imap',
    'mail',
    'reading',
    'blobs',
    'drafts',
    'policies',
    'freezes',
    'sync',
  ],
  'mcp-auth': ['events', 'tokens', 'policies'],
  diagnose: ['events', 'accounts', 'imap', 'sync', 'outbox'],
  approvals: [
    'tools',
    'events',
    'users',
    'access',
    'tokens',
    'drafts',
    'policies',
    'outbox',
    'freezes',
    'operations',
    'reading',
  ],
  alerts: ['leases', 'events', 'history', 'policies'],
  push: ['leases', 'events'],
  webhooks: ['leases', 'events'],
  notifiers: ['leases', 'events', 'accounts', 'drafts', 'outbox', 'push', 'webhooks'],
  moving: ['accounts'],
  proposals: ['tools', 'events', 'drafts', 'operations', 'outbox', 'freezes', 'approvals'],
  assistant: ['tools', 'events', 'audit', 'clients', 'metrics', 'history', 'accounts', 'alerts'],
  mcp: ['tools', 'clients', 'reading'],
  'program-webhooks': ['events', 'webhooks'],
  'mcp-events': ['events', 'reading', 'webhooks', 'mcp'],
  storage: [],
}

/** The one module that may import each package. A package without one may not be imported. */
const doors: Record<string, RegExp> = {
  zod: /^((contract|server)\/|web\/agents\/mcp-link\.ts$)/,
  fastify:
    /^server\/platform\/http\/(http-(server|setup|raw|hooks|request|call|outcome|body|tracing)|body-arrival|api-docs|docs-app)\.ts$/,
  '@fastify/cookie': /^server\/platform\/http\/http-(setup|credentials)\.ts$/,
  '@fastify/static': /^server\/platform\/http\/page-files\.ts$/,
  '@fastify/swagger': /^server\/platform\/http\/docs-app\.ts$/,
  '@fastify/swagger-ui': /^server\/platform\/http\/docs-app\.ts$/,
  helmet: /^server\/platform\/http\/security-headers\.ts$/,
  saxes: /^server\/autoconfig\/xml-document\.ts$/,
  '@opentelemetry/api': /^server\/platform\/tracing\/ot(el|lp)-[a-z-]+\.ts$/,
  '@opentelemetry/core': /^server\/platform\/tracing\/ot(el|lp)-[a-z-]+\.ts$/,
  '@opentelemetry/otlp-transformer': /^server\/platform\/tracing\/otlp-[a-z-]+\.ts$/,
  '@opentelemetry/resources': /^server\/platform\/tracing\/ot(el|lp)-[a-z-]+\.ts$/,
  '@opentelemetry/sdk-metrics': /^server\/platform\/tracing\/otlp-[a-z-]+\.ts$/,
  '@opentelemetry/sdk-trace': /^server\/platform\/tracing\/ot(el|lp)-[a-z-]+\.ts$/,
  undici: /^server\/platform\/network\/guarded-fetch\.ts$/,
  pino: /^server\/platform\/(logger|log-output)\.ts$/,
  kysely: /^server\/(platform\/database\/|index\/|[a-z-]+\/([a-z-]+-store\.ts|migrations\/))/,
  pg: /^server\/platform\/database\//,
  'prom-client': /^server\/metrics\//,
  '@simplewebauthn/browser': /^web\//,
  '@zxcvbn-ts/core': /^server\/users\/password-strength\.ts$/,
  '@zxcvbn-ts/language-common': /^server\/users\/password-strength\.ts$/,
  '@simplewebauthn/server': /^server\/profile\/passkey-service\.ts$/,
  'openid-client': /^server\/(platform\/network\/openid|oidc\/oidc-client|mail-oauth\/oauth-server)\.ts$/,
  'oidc-provider': /^server\/mcp-auth\/authorization-server\.ts$/,
  otpauth: /^server\/profile\/totp\.ts$/,
  standardwebhooks: /^server\/webhooks\/webhook-signer\.ts$/,
  'web-push': /^server\/push\/push-sender\.ts$/,
  uqr: /^server\/profile\/totp\.ts$/,
  parse5: /^server\/reading\/(clean|parse)-html\.ts$/,
  'css-select': /^server\/reading\/style-rules\.ts$/,
  'css-what': /^server\/reading\/style-selector\.ts$/,
  '@csstools/css-calc': /^server\/reading\/style-values\.ts$/,
  '@csstools/css-color-parser': /^server\/reading\/style-color\.ts$/,
  '@csstools/css-parser-algorithms': /^server\/reading\/style-color\.ts$/,
  '@csstools/css-tokenizer': /^server\/reading\/style-color\.ts$/,
  'iconv-lite': /^server\/reading\/charset\.ts$/,
  'ical.js': /^server\/reading\/calendar\.ts$/,
  'css-tree': /^server\/reading\/((clean|fit)-css|style-declarations|style-sheet|outgoing-style|media-query)\.ts$/,
  'client-zip': /^server\/mail\/zip-files\.ts$/,
  imapflow: /^server\/imap\/adapters\//,
  nodemailer: /^(server\/outbox\/|server\/drafts\/write-message\.ts$|sandbox\/)/,
  marked: /^(server\/reading\/outgoing-body\.ts|web\/assistant\/(growing-markdown\.ts|markdown-text\.tsx))$/,
  '@modelcontextprotocol/client': /^web\/agents\/mcp-link\.ts$/,
  '@modelcontextprotocol/server': /^server\/mcp\/sdk-[a-z-]+\.ts$/,
  'hoodiecrow-imap': /^sandbox\//,
  'smtp-server': /^sandbox\//,
  '@ai-sdk/anthropic': /^server\/assistant\/adapters\//,
  '@ai-sdk/google': /^server\/assistant\/adapters\//,
  '@ai-sdk/mistral': /^server\/assistant\/adapters\//,
  '@ai-sdk/openai-compatible': /^server\/assistant\/adapters\//,
  react: /^web\//,
  'react-dom': /^web\/(main|ui\/toast)\.tsx$/,
  '@tanstack/react-query': /^web\//,
  '@tanstack/react-virtual': /^web\/(mail\/use-row-window\.ts|proposals\/change-rows\.tsx)$/,
  wouter: /^web\//,
  uplot: /^web\/analytics\/chart-engine\.ts$/,
  'lucide-react': /^web\//,
}

const files = globSync('{client,contract,server,web,sandbox}/**/*.{ts,tsx}').sort()
const source = Object.fromEntries(files.map(f => [f, readFileSync(f, 'utf8')]))
const code = files.filter(f => !/\.(test|suite|d)\./.test(f))
const tests = globSync('{client,contract,server,web,sandbox,test,bench}/**/*.test.{ts,tsx}').sort()
const importRe =
  /^\s*(?:import|export)\b[^'"]*?from\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm
const arrows = code.flatMap(from =>
  [...source[from]!.matchAll(importRe)].map(m => {
    const spec = (m[1] ?? m[2] ?? m[3])!
    return { from, spec, to: spec.startsWith('.') ? posix.join(dirname(from), spec) : undefined }
  }),
)
const inner = arrows.filter((a): a is typeof a & { to: string } => a.to !== undefined)
const zone = (f: string) => f.split('/')[0]!
const feature = (f: string) => /^server\/([a-z-]+)\//.exec(f)?.[1]
/** The composition root and the command line: every file directly in `server/`. */
const isRoot = (f: string) => /^server\/[a-z-]+\.ts$/.test(f)
const show = (list: { from: string; to?: string | undefined; spec: string }[]) =>
  list.map(a => `${a.from} -> ${a.to ?? a.spec}`)
const none = (list: unknown[], why: string) => assert.deepEqual(list, [], why)

test('contract stands alone; client, server, web and sandbox know contract, never each other', () =>
  none(
    show(
      inner.filter(
        a =>
          zone(a.to) !== zone(a.from) &&
          zone(a.to) !== 'contract' &&
          !(zone(a.from) === 'web' && a.to === 'client/sse-parser.ts') &&
          !(a.from === 'server/sandbox-runner.ts' && zone(a.to) === 'sandbox'),
      ),
    ),
    'an arrow between zones',
  ))

test('platform knows no feature and no config; no file imports app.ts', () => {
  none(
    show(inner.filter(a => feature(a.from) === 'platform' && zone(a.to) === 'server' && feature(a.to) !== 'platform')),
    'platform reaches up',
  )
  none(show(inner.filter(a => isRoot(a.to) && !isRoot(a.from))), 'the composition root is imported')
})

test('the client is published alone: it imports only what is its own', () =>
  none(show(arrows.filter(a => zone(a.from) === 'client' && !a.to?.startsWith('client/'))), 'the client reaches out'))

test('features use each other only as the table says', () => {
  const order = Object.keys(uses)
  for (const [f, used] of Object.entries(uses))
    for (const u of used) assert.ok(order.indexOf(u) < order.indexOf(f), `${f} may not use ${u}`)
  none(
    code.map(feature).filter(f => f && f !== 'platform' && !(f in uses)),
    'a feature folder that the table does not name',
  )
  const across = inner.filter(
    a => [a.from, a.to].every(f => feature(f) && feature(f) !== 'platform') && feature(a.from) !== feature(a.to),
  )
  none(show(across.filter(a => !uses[feature(a.from)!]!.includes(feature(a.to)!))), 'an arrow the table does not name')
  none(
    show(across.filter(a => /-(routes|store|tools)\.ts$/.test(a.to))),
    "another feature's routes, store or tools are private",
  )
})

test('threads of the index start without the library of schemas, which takes longer to load than a list to read', () => {
  const load = (f: string, loaded: Set<string>): Set<string> => {
    if (loaded.has(f)) return loaded
    loaded.add(f)
    for (const [, name] of (source[f] ?? '').matchAll(/^(?:import|export) (?!type )[^'"]*?from '([^']+)'/gm)) {
      load(name!.startsWith('.') ? posix.join(dirname(f), name!) : name!, loaded)
    }
    return loaded
  }
  for (const program of ['server/index/index-thread.ts', 'server/mail/index-writers.ts']) {
    const loaded = load(program, new Set())
    assert.ok(loaded.size > 20, `what ${program} loads was not found`)
    none(
      [...loaded].filter(f => f === 'zod'),
      `${program} loads schemas`,
    )
  }
})

test('adapters are chosen in app.ts alone, and routes speak only to services', () => {
  none(
    show(inner.filter(a => a.to.includes('/adapters/') && !a.from.includes('/adapters/') && !isRoot(a.from))),
    'an adapter is imported',
  )
  none(
    show(inner.filter(a => a.from.endsWith('-routes.ts') && /(-store\.ts$|\/adapters\/)/.test(a.to))),
    'a route goes past its service',
  )
})

test('every package has one door', () =>
  none(
    show(
      arrows.filter(a => {
        if (a.to || a.spec.startsWith('node:')) return false
        const name = a.spec
          .split('/')
          .slice(0, a.spec.startsWith('@') ? 2 : 1)
          .join('/')
        return !doors[name]?.test(a.from)
      }),
    ),
    'a package comes in by another way',
  ))

test('no circles', () => {
  const state = new Map<string, 'open' | 'done'>()
  const visit = (f: string, path: string[]): void => {
    if (state.get(f) === 'done') return
    assert.notEqual(state.get(f), 'open', `circle: ${[...path, f].join(' -> ')}`)
    state.set(f, 'open')
    for (const a of inner) if (a.from === f) visit(a.to, [...path, f])
    state.set(f, 'done')
  }
  for (const f of code) visit(f, [])
})

test('each file is small, introduces itself, and has a name of its own', () => {
  const lengthOf = (f: string) => source[f]!.split('\n').length
  none(
    code.filter(f => lengthOf(f) > 400),
    'longer than 400 lines',
  )
  none(
    tests.filter(f => readFileSync(f, 'utf8').split('\n').length > 401),
    'a test longer than 400 lines',
  )
  const lengths = code.map(lengthOf).sort((one, other) => one - other)
  assert.ok(lengths[Math.floor(lengths.length * 0.9)]! <= 200, 'more than one file in ten is longer than 200 lines')
  none(
    code.filter(f => !/^(#!.*\n)?\/\*\*/.test(source[f]!)),
    'no opening sentence',
  )
  const names = code
    .filter(f => zone(f) === 'server')
    .map(f => basename(f))
    .filter(n => n !== 'index.ts')
  none(
    names.filter((n, i) => names.indexOf(n) !== i),
    'two files of one name',
  )
  none(
    code.filter(f => /(manager|helper|utils?|common|misc|impl)\b/.test(basename(f))),
    'a name that says nothing',
  )
})

test('the environment is read in one place; nothing prints; nothing is any', () => {
  none(
    code.filter(
      f =>
        !['server/config.ts', 'server/main.ts', 'server/bridge-main.ts', 'server/webhook-listen.ts'].includes(f) &&
        /process\.env|import\.meta\.env/.test(source[f]!),
    ),
    'reads the environment',
  )
  none(
    code.filter(f => /\bas any\b|: any\b|@ts-ignore/.test(source[f]!)),
    'any',
  )
  none(
    code.filter(f => f !== 'server/main.ts' && /\bconsole\.\w+\(/.test(source[f]!)),
    'console',
  )
})

test('no test forgets the modules of all: files share a process, and the set-up of the next one would speak to other copies than what it set up', () =>
  none(
    tests.filter(f => /\bvi\.resetModules\(/.test(readFileSync(f, 'utf8'))),
    'resets modules',
  ))

test('each service and adapter has its test beside it', () =>
  none(
    code.filter(
      f =>
        /(-service\.ts$|\/adapters\/.*-(gateway|model|sender)\.ts$)/.test(f) &&
        !files.includes(f.replace(/\.ts$/, '.test.ts')),
    ),
    'no test beside it',
  ))

test('one rule says who sees which figures', () => {
  const told = ['metrics', 'clients', 'agents', 'health', 'audit', 'imap', 'accounts', 'mail', 'events']
  none(
    // The view of a stream filters facts, not figures.
    code.filter(
      f =>
        told.includes(feature(f)!) &&
        !f.endsWith('/event-view.ts') &&
        /\b(accounts|seen) [!=]== 'all'/.test(source[f]!),
    ),
    'asks by itself whether a caller sees all accounts: platform/visible-figures.ts knows',
  )
})

test('what is held here is really there', () => {
  assert.ok(code.length > 80, 'the files were not found')
  assert.ok(inner.length > 200, 'the imports were not found')
  assert.ok(tests.length > 200, 'the tests were not found')
})
