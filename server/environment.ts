/** The variables of the environment, each with its check and default. */
import { isIP } from 'node:net'
import { z } from 'zod'
import { Role } from '../contract/access.ts'
import { TlsKind } from '../contract/accounts.ts'
import { knownPushServices } from './push/push-services.ts'

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
const hosts = list.refine(
  items => items.every(item => /^(\*|\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?)$/i.test(item)),
  'must be names such as mail.example.com or .example.com, without a port, separated by commas, or *',
)
const pushServices = z.union([
  z.literal('none').transform((): string[] => []),
  list.refine(
    items => items.every(item => /^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?$/i.test(item)),
    'must be hosts of push services such as fcm.googleapis.com or *.push.example.com, separated by commas, or none',
  ),
])
const ranges = z.union([z.literal('all').transform(() => ['0.0.0.0/0', '::/0']), proxies])
const roles = list
  .refine(
    items => items.every(item => /^[^=]+=(viewer|operator|administrator)$/.test(item)),
    'must be pairs such as admins=administrator,staff=operator',
  )
  .transform(items =>
    items.map(item => ({ group: item.slice(0, item.lastIndexOf('=')), role: Role.parse(item.split('=').at(-1)) })),
  )
const authServers = list
  .refine(
    items => items.every(item => /^[^\s=]+=[^\s=]+$/.test(item)),
    'must be pairs such as imap.example.com=mx.example.com, separated by commas',
  )
  .transform(items =>
    items.map(item => {
      const [imapHost = '', serverId = ''] = item.toLowerCase().split('=')
      return { imapHost, serverId }
    }),
  )
const url = z.url({ protocol: /^https?$/, message: 'must be an http:// or https:// address' })

const key = text
  .refine(value => Buffer.from(value, 'base64').length === 32, 'must be 32 bytes in base64: openssl rand -base64 32')
  .transform(value => Buffer.from(value, 'base64'))

/** Built on demand, which a start does once: it holds 220 schemas and compiled code that nothing needs afterwards. */
export const environmentSchema = () =>
  z.object({
    RUSTYMAIL_HOST: text.default('127.0.0.1'),
    RUSTYMAIL_PORT: port.default(9437),
    RUSTYMAIL_DATA_DIR: text.default('./data'),
    RUSTYMAIL_DATABASE_URL: text
      .regex(/^(sqlite:.+|postgres(ql)?:\/\/.+)$/, 'must be sqlite:<path>, sqlite::memory: or postgres://…')
      .optional(),
    RUSTYMAIL_SECRET_KEY: key.optional(),
    RUSTYMAIL_NEW_SECRET_KEY: key.optional(),
    RUSTYMAIL_BACKUP_DIR: text.optional(),
    RUSTYMAIL_BACKUP_EVERY_HOURS: count(8_760).optional(),
    RUSTYMAIL_BACKUP_KEEP: count(10_000).optional(),
    RUSTYMAIL_BACKUP_WITH_KEY: z.enum(['true', 'false'], 'must be true or false').optional(),
    RUSTYMAIL_API_KEY: text.min(20, 'must have at least 20 characters: openssl rand -base64 32').max(200).optional(),
    RUSTYMAIL_PUBLIC_URL: url.optional(),
    RUSTYMAIL_TRUSTED_PROXIES: proxies.default([]),
    RUSTYMAIL_ALLOWED_ORIGINS: origins.default([]),
    RUSTYMAIL_ALLOWED_HOSTS: hosts.default([]),
    RUSTYMAIL_TLS_CERT: text.optional(),
    RUSTYMAIL_TLS_KEY: text.optional(),
    RUSTYMAIL_PRIVATE_NETWORKS: ranges.default([]),
    RUSTYMAIL_AUTH_SERVERS: authServers.default([]),
    RUSTYMAIL_AUTOCONFIG: z.enum(['network', 'shipped'], 'must be network or shipped').default('network'),
    RUSTYMAIL_PUSH_SERVICES: pushServices.default([...knownPushServices]),
    RUSTYMAIL_MCP_ADAPTER: z.enum(['sdk', 'native'], 'must be sdk or native').default('sdk'),
    RUSTYMAIL_TOKEN: text.optional(),
    RUSTYMAIL_RATE_LIMIT: count(100_000_000).default(6_000),
    RUSTYMAIL_OIDC_ISSUER: url.optional(),
    RUSTYMAIL_OIDC_CLIENT_ID: text.optional(),
    RUSTYMAIL_OIDC_CLIENT_SECRET: text.optional(),
    RUSTYMAIL_OIDC_NAME: text.max(40).default('Single sign-on'),
    RUSTYMAIL_OIDC_SCOPES: text.default('openid email profile groups'),
    RUSTYMAIL_OIDC_GROUPS_CLAIM: text.default('groups'),
    RUSTYMAIL_OIDC_TRUST_EMAIL: z
      .enum(['true', 'false'], 'must be true or false')
      .default('false')
      .transform(value => value === 'true'),
    RUSTYMAIL_OIDC_ROLES: roles.default([]),
    RUSTYMAIL_OIDC_ACCOUNTS: z.enum(['none', 'all'], 'must be none or all').default('none'),
    RUSTYMAIL_OAUTH_GOOGLE_CLIENT_ID: text.optional(),
    RUSTYMAIL_OAUTH_GOOGLE_CLIENT_SECRET: text.optional(),
    RUSTYMAIL_OAUTH_MICROSOFT_CLIENT_ID: text.optional(),
    RUSTYMAIL_OAUTH_MICROSOFT_CLIENT_SECRET: text.optional(),
    RUSTYMAIL_OAUTH_MICROSOFT_TENANT: text
      .regex(/^[a-z0-9][a-z0-9.-]{0,99}$/i, 'must be common, consumers, organizations or the id of a tenant')
      .default('common'),
    RUSTYMAIL_INDEX: z.enum(['off', 'headers', 'text'], 'must be off, headers or text').default('text'),
    RUSTYMAIL_SMTP_CONNECTIONS: count(10).default(3),
    RUSTYMAIL_MAX_STREAMS: count(100_000).default(20_000),
    RUSTYMAIL_MAX_STREAMS_PER_PRINCIPAL: count(20_000).default(50),
    RUSTYMAIL_LOG_LEVEL: z
      .enum(
        ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
        'must be fatal, error, warn, info, debug, trace or silent',
      )
      .default('info'),
    // Checked in tracing-config.ts, only if tracing is on: other programs read the same variables.
    OTEL_SDK_DISABLED: text.optional(),
    OTEL_EXPORTER_OTLP_ENDPOINT: text.optional(),
    OTEL_EXPORTER_OTLP_HEADERS: text.optional(),
    OTEL_EXPORTER_OTLP_PROTOCOL: text.optional(),
    OTEL_EXPORTER_OTLP_TIMEOUT: text.optional(),
    OTEL_BSP_SCHEDULE_DELAY: text.optional(),
    OTEL_SERVICE_NAME: text.optional(),
    OTEL_RESOURCE_ATTRIBUTES: text.optional(),
    OTEL_TRACES_EXPORTER: text.optional(),
    OTEL_TRACES_SAMPLER: text.optional(),
    OTEL_TRACES_SAMPLER_ARG: text.optional(),
    OTEL_METRICS_EXPORTER: text.optional(),
    OTEL_METRIC_EXPORT_INTERVAL: text.optional(),
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
    MISTRAL_API_KEY: text.optional(),
    MISTRAL_BASE_URL: url.optional(),
    MISTRAL_MODEL: text.default('mistral-medium-latest'),
    AZURE_OPENAI_ENDPOINT: url.optional(),
    AZURE_OPENAI_API_KEY: text.optional(),
    AZURE_OPENAI_DEPLOYMENT: text.optional(),
    AZURE_OPENAI_API_VERSION: text.optional(),
    OLLAMA_BASE_URL: url.optional(),
    OLLAMA_MODEL: text.optional(),
  })
export type Environment = z.infer<ReturnType<typeof environmentSchema>>

/** Returns the name of every variable that is read; a test compares `.env.example` with it. */
export const environmentNames = (): string[] => Object.keys(environmentSchema().shape)
