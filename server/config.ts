/** Environment and flags, checked once and frozen. The only reader of the environment; all faults are named at once. */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { type AccountInput, TlsKind } from '../contract/accounts.ts'
import { isLoopback } from './accounts/account-verifier.ts'
import type { AssistantConfig } from './assistant/assistant-config.ts'
import type { LogLevel } from './platform/logger.ts'

export interface Config {
  demo: boolean
  version: string
  http: {
    host: string
    port: number
    publicUrl: string | undefined
    trustedProxies: readonly string[]
    allowedOrigins: readonly string[]
  }
  events: {
    /** Open at once. */
    maxStreams: number
    maxStreamsPerPrincipal: number
  }
  dataDir: string
  databaseUrl: string
  /** 32 bytes; undefined: made once and kept in the data directory. */
  secretKey: Buffer | undefined
  apiKey: string | undefined
  logLevel: LogLevel
  /** An account made at first start. */
  account: AccountInput | undefined
  assistant: AssistantConfig
}

/** A wrong setting. Each fault names the variable and says what to set. */
export class ConfigError extends Error {
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(faults.join('\n'))
    this.name = 'ConfigError'
    this.faults = faults
  }
}

const text = z.string().trim().min(1)
const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port number')
  .transform(Number)
  .pipe(z.int().max(65535, 'must be 0–65535'))
const serverPort = port.refine(value => value > 0, 'must be 1–65535')
const count = (most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `must be 1–${most}`)
    .transform(Number)
    .pipe(z.int().min(1, `must be 1–${most}`).max(most, `must be 1–${most}`))
const tls = z.enum(TlsKind.options, 'must be implicit, starttls or none')
const list = z.string().transform(value =>
  value
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== ''),
)
const proxies = list.refine(
  items => items.every(item => isIP(item.replace(/\/\d{1,3}$/, '')) > 0),
  'must be addresses or ranges such as 127.0.0.1 or 10.0.0.0/8, separated by commas',
)
const origins = list.refine(
  items => items.every(item => URL.canParse(item) && new URL(item).origin === item),
  'must be origins such as https://mail.example.com, without a path, separated by commas',
)
const url = z.url({ protocol: /^https?$/, message: 'must be an http:// or https:// address' })

const Environment = z.object({
  RUSTYMAIL_HOST: text.default('127.0.0.1'),
  RUSTYMAIL_PORT: port.default(9437),
  RUSTYMAIL_DATA_DIR: text.default('./data'),
  RUSTYMAIL_DATABASE_URL: text
    .regex(/^(sqlite:.+|postgres(ql)?:\/\/.+)$/, 'must be sqlite:<path>, sqlite::memory: or postgres://…')
    .optional(),
  RUSTYMAIL_SECRET_KEY: text
    .refine(value => Buffer.from(value, 'base64').length === 32, 'must be 32 bytes in base64: openssl rand -base64 32')
    .optional(),
  RUSTYMAIL_API_KEY: text.min(20, 'must have at least 20 characters: openssl rand -hex 20').max(200).optional(),
  RUSTYMAIL_PUBLIC_URL: url.optional(),
  RUSTYMAIL_TRUSTED_PROXIES: proxies.default([]),
  RUSTYMAIL_ALLOWED_ORIGINS: origins.default([]),
  RUSTYMAIL_MAX_STREAMS: count(100_000).default(20_000),
  RUSTYMAIL_MAX_STREAMS_PER_PRINCIPAL: count(20_000).default(50),
  RUSTYMAIL_LOG_LEVEL: z
    .enum(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
      'must be fatal, error, warn, info, debug, trace or silent',
    )
    .default('info'),
  IMAP_HOST: text.optional(),
  IMAP_PORT: serverPort.optional(),
  IMAP_USER: text.optional(),
  IMAP_PASS: text.optional(),
  IMAP_TLS: tls.optional(),
  SMTP_HOST: text.optional(),
  SMTP_PORT: serverPort.optional(),
  SMTP_USER: text.optional(),
  SMTP_PASS: text.optional(),
  SMTP_TLS: tls.optional(),
  RIG_ENDPOINT: url.optional(),
  OPENAI_API_KEY: text.optional(),
  OPENAI_BASE_URL: url.optional(),
  OPENAI_MODEL: text.default('gpt-4o-mini'),
  OPENROUTER_API_KEY: text.optional(),
  OPENROUTER_BASE_URL: url.optional(),
  OPENROUTER_MODEL: text.default('openrouter/auto'),
  ANTHROPIC_API_KEY: text.optional(),
  ANTHROPIC_BASE_URL: url.optional(),
  ANTHROPIC_MODEL: text.default('claude-sonnet-4-5'),
  GEMINI_API_KEY: text.optional(),
  GEMINI_BASE_URL: url.optional(),
  GEMINI_MODEL: text.default('gemini-2.5-flash'),
  OLLAMA_BASE_URL: url.optional(),
  OLLAMA_MODEL: text.optional(),
})
type Environment = z.infer<typeof Environment>

/** Every name that is read; `.env.example` is held to it. */
export const environmentNames = Object.keys(Environment.shape)

export const usage = `Usage: rustymail serve [--demo] [--host <address>] [--port <number>] [--data-dir <path>]

  --demo   also start the sandbox mail server, with its account connected
Every setting can be given in the environment; .env.example lists them.`

/** @throws ConfigError with all faults. */
export function loadConfig(argv: readonly string[], environment: Record<string, string | undefined>): Config {
  const faults: string[] = []
  const flags = parseFlags(argv, faults)
  const given = { ...withoutEmpty(environment), ...flags.environment }
  const issues = Environment.safeParse(given).error?.issues ?? []
  for (const issue of issues) faults.push(`${issue.path.join('.')} ${issue.message}`)
  const faulty = new Set(issues.map(issue => issue.path[0]))
  // With its faulty values left out, the rest is looked at too: all faults are to be named at once.
  const env = Environment.parse(Object.fromEntries(Object.entries(given).filter(([name]) => !faulty.has(name))))
  const account = accountOf(env, faults)
  const assistant = assistantOf(env, faults)
  if (faults.length > 0) throw new ConfigError(faults)
  const dataDir = resolve(env.RUSTYMAIL_DATA_DIR)
  return Object.freeze({
    demo: flags.demo,
    version: programVersion(),
    http: {
      host: env.RUSTYMAIL_HOST,
      port: env.RUSTYMAIL_PORT,
      publicUrl: env.RUSTYMAIL_PUBLIC_URL,
      trustedProxies: env.RUSTYMAIL_TRUSTED_PROXIES,
      allowedOrigins: env.RUSTYMAIL_ALLOWED_ORIGINS,
    },
    events: {
      maxStreams: env.RUSTYMAIL_MAX_STREAMS,
      maxStreamsPerPrincipal: env.RUSTYMAIL_MAX_STREAMS_PER_PRINCIPAL,
    },
    dataDir,
    databaseUrl: env.RUSTYMAIL_DATABASE_URL ?? `sqlite:${join(dataDir, 'rustymail.db')}`,
    secretKey: env.RUSTYMAIL_SECRET_KEY === undefined ? undefined : Buffer.from(env.RUSTYMAIL_SECRET_KEY, 'base64'),
    apiKey: env.RUSTYMAIL_API_KEY,
    logLevel: env.RUSTYMAIL_LOG_LEVEL,
    account,
    assistant,
  })
}

function parseFlags(argv: readonly string[], faults: string[]): { demo: boolean; environment: Record<string, string> } {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        demo: { type: 'boolean', default: false },
        host: { type: 'string' },
        port: { type: 'string' },
        'data-dir': { type: 'string' },
      },
    })
    const [command = 'serve', ...more] = positionals
    if (command !== 'serve' || more.length > 0)
      faults.push(`${positionals.join(' ')}: there is no such command; try "serve"`)
    const environment = withoutEmpty({
      RUSTYMAIL_HOST: values.host,
      RUSTYMAIL_PORT: values.port,
      RUSTYMAIL_DATA_DIR: values['data-dir'],
    })
    return { demo: values.demo, environment }
  } catch (error) {
    faults.push(error instanceof Error ? error.message : String(error))
    return { demo: false, environment: {} }
  }
}

function accountOf(env: Environment, faults: string[]): AccountInput | undefined {
  const imap = serverOf('IMAP', env, { implicit: 993, other: 143 }, faults)
  const smtp = serverOf('SMTP', env, { implicit: 465, other: 587 }, faults)
  if (smtp && !imap) faults.push('IMAP_HOST must be set as well when SMTP_HOST is')
  if (!imap) return undefined
  const email = imap.user.includes('@') ? imap.user : `${imap.user}@${imap.host}`
  return { email, imap, enabled: true, ...(smtp ? { smtp } : {}) }
}

function serverOf(
  kind: 'IMAP' | 'SMTP',
  env: Environment,
  ports: { implicit: number; other: number },
  faults: string[],
) {
  const [host, user, password] = [env[`${kind}_HOST`], env[`${kind}_USER`], env[`${kind}_PASS`]]
  const tlsKind = env[`${kind}_TLS`] ?? 'implicit'
  const given = ['HOST', 'PORT', 'USER', 'PASS', 'TLS'] as const
  if (given.every(name => env[`${kind}_${name}`] === undefined)) return undefined
  for (const [name, value] of [
    ['HOST', host],
    ['USER', user],
    ['PASS', password],
  ] as const) {
    if (value === undefined) faults.push(`${kind}_${name} must be set as well, since another ${kind}_ value is`)
  }
  if (host === undefined || user === undefined || password === undefined) return undefined
  if (tlsKind === 'none' && !isLoopback(host)) {
    faults.push(`${kind}_TLS must be implicit or starttls: none would send the password in the clear to ${host}`)
  }
  const defaultPort = tlsKind === 'implicit' ? ports.implicit : ports.other
  return { host: host.toLowerCase(), port: env[`${kind}_PORT`] ?? defaultPort, tls: tlsKind, user, password }
}

function assistantOf(env: Environment, faults: string[]): AssistantConfig {
  if (env.OLLAMA_BASE_URL && !env.OLLAMA_MODEL)
    faults.push('OLLAMA_MODEL must be set as well, since OLLAMA_BASE_URL is')
  const provider = (name: 'OPENAI' | 'OPENROUTER' | 'ANTHROPIC' | 'GEMINI') => {
    const apiKey = env[`${name}_API_KEY`]
    return apiKey === undefined ? undefined : { apiKey, baseUrl: env[`${name}_BASE_URL`], model: env[`${name}_MODEL`] }
  }
  return {
    rigEndpoint: env.RIG_ENDPOINT,
    openai: provider('OPENAI'),
    openrouter: provider('OPENROUTER'),
    anthropic: provider('ANTHROPIC'),
    gemini: provider('GEMINI'),
    ollama:
      env.OLLAMA_BASE_URL && env.OLLAMA_MODEL ? { baseUrl: env.OLLAMA_BASE_URL, model: env.OLLAMA_MODEL } : undefined,
    deadlineMs: 60_000,
  }
}

function withoutEmpty(values: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => Boolean(entry[1]?.trim())),
  )
}

function programVersion(): string {
  const text = readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version
}
