/** Settings: good ones are read, bad ones are all named at once, and .env.example lists exactly what is read. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { expect, test } from 'vitest'
import { ConfigError, checkSecrets, loadConfig } from './config.ts'
import { environmentNames } from './environment.ts'
import { hostsOf } from './http-part.ts'

function faultsOf(argv: string[], environment: Record<string, string>): readonly string[] {
  try {
    loadConfig(argv, environment)
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
  return []
}

test('without any setting it listens on loopback only', () => {
  const config = loadConfig([], {})
  expect(config.http).toMatchObject({ host: '127.0.0.1', port: 9437 })
  expect(config.databaseUrl).toBe(`sqlite:${config.dataDir}/rustymail.db`)
  expect(config.events).toEqual({ maxStreams: 20_000, maxStreamsPerPrincipal: 50 })
  expect(config.account).toBeUndefined()
  expect(Object.isFrozen(config)).toBe(true)
})

test('every fault is named at once, with what to set', () => {
  const faults = faultsOf(['serve', '--port', '0x10'], {
    RUSTYMAIL_SECRET_KEY: 'short',
    RUSTYMAIL_LOG_LEVEL: 'loud',
    RUSTYMAIL_DATABASE_URL: 'mysql://x',
    IMAP_TLS: 'maybe',
    RUSTYMAIL_TRUSTED_PROXIES: '10.0.0.0/8,foo',
    RUSTYMAIL_ALLOWED_ORIGINS: 'nonsense',
    RUSTYMAIL_ALLOWED_HOSTS: 'mail.example.com:9437',
    RUSTYMAIL_MAX_STREAMS: 'many',
    RUSTYMAIL_MAX_STREAMS_PER_PRINCIPAL: '20001',
  }).join('\n')
  for (const words of [
    'RUSTYMAIL_PORT must be a port',
    'RUSTYMAIL_SECRET_KEY must be 32 bytes',
    'RUSTYMAIL_LOG_LEVEL must be',
    'RUSTYMAIL_DATABASE_URL must be',
    'IMAP_TLS must be',
    'RUSTYMAIL_TRUSTED_PROXIES must be',
    'RUSTYMAIL_ALLOWED_ORIGINS must be',
    'RUSTYMAIL_ALLOWED_HOSTS must be',
    'RUSTYMAIL_MAX_STREAMS must be 1–100000',
    'RUSTYMAIL_MAX_STREAMS_PER_PRINCIPAL must be 1–20000',
  ]) {
    expect(faults).toContain(words)
  }
})

test('as many streams may be open as is set, and never none', () => {
  const set = { RUSTYMAIL_MAX_STREAMS: '100000', RUSTYMAIL_MAX_STREAMS_PER_PRINCIPAL: '1' }
  expect(loadConfig([], set).events).toEqual({ maxStreams: 100_000, maxStreamsPerPrincipal: 1 })
  for (const value of ['0', '100001', '1.5', '1e3']) {
    expect(faultsOf([], { RUSTYMAIL_MAX_STREAMS: value })).toEqual(['RUSTYMAIL_MAX_STREAMS must be 1–100000'])
  }
})

test('mail servers that are believed are named in pairs', () => {
  const { authServers } = loadConfig([], {
    RUSTYMAIL_AUTH_SERVERS: 'imap.Example.com=mx.example.com, 127.0.0.1=mail.example.ch',
  })
  expect(authServers).toEqual([
    { imapHost: 'imap.example.com', serverId: 'mx.example.com' },
    { imapHost: '127.0.0.1', serverId: 'mail.example.ch' },
  ])
  for (const wrong of ['imap.example.com', '=x', 'a=b=c', 'a=b c']) {
    expect(() => loadConfig([], { RUSTYMAIL_AUTH_SERVERS: wrong })).toThrow('RUSTYMAIL_AUTH_SERVERS must be pairs')
  }
})

test('push services are hosts, with a port where it is not 443, or none', () => {
  const servicesOf = (value: string) => loadConfig([], { RUSTYMAIL_PUSH_SERVICES: value }).pushServices
  expect(loadConfig([], {}).pushServices).toContain('fcm.googleapis.com')
  expect(servicesOf('*.push.example.com, push.example.org:8443')).toEqual([
    '*.push.example.com',
    'push.example.org:8443',
  ])
  expect(servicesOf('none')).toEqual([])
  for (const wrong of ['https://push.example.com', '*', 'push.*.com', 'a b', '*example.com', 'x:port']) {
    expect(() => servicesOf(wrong)).toThrow('RUSTYMAIL_PUSH_SERVICES must be hosts')
  }
})

test('our names are those of the settings, of this machine, and those that are named', () => {
  const hostsFor = (set: Record<string, string>) => hostsOf(loadConfig([], set).http)
  const bare = hostsFor({})
  for (const host of [hostname(), `${hostname()}.local:9437`, 'localhost', '127.0.0.1'])
    expect(bare.allows(host)).toBe(true)
  expect(bare.allows('mail.example.com')).toBe(false)
  const named = hostsFor({
    RUSTYMAIL_PUBLIC_URL: 'https://mail.example.com:8443/',
    RUSTYMAIL_HOST: 'inner.example',
    RUSTYMAIL_ALLOWED_ORIGINS: 'https://friend.example',
    RUSTYMAIL_ALLOWED_HOSTS: 'a.example, .b.example',
  })
  for (const host of ['mail.example.com', 'inner.example:80', 'friend.example', 'a.example', 'x.b.example']) {
    expect([host, named.allows(host)]).toEqual([host, true])
  }
  expect(named.allows('b.example')).toBe(false)
  expect(hostsFor({ RUSTYMAIL_ALLOWED_HOSTS: '*' }).allows('anything.example')).toBe(true)
})

test('the server does not start with a key that can be guessed, and says what to do', async () => {
  const check = (key: string) => checkSecrets(loadConfig([], { RUSTYMAIL_API_KEY: key }))
  await expect(check('passwordpassword1234')).rejects.toThrow(/^RUSTYMAIL_API_KEY .*openssl rand -base64 32$/)
  await expect(check(randomBytes(32).toString('base64'))).resolves.toBeUndefined()
  await expect(checkSecrets(loadConfig([], {}))).resolves.toBeUndefined()
})

test('half an account, an unknown command or flag is a fault', () => {
  expect(faultsOf([], { IMAP_HOST: 'mail.example.com' })).toEqual([
    'IMAP_USER must be set as well, since another IMAP_ value is',
    'IMAP_PASS must be set as well, since another IMAP_ value is',
  ])
  expect(faultsOf([], { IMAP_PORT: '993' })).toHaveLength(3)
  expect(faultsOf(['fly'], {})[0]).toContain('unknown command')
  expect(faultsOf(['--fast'], {})).toEqual(['--fast is not an option; rustymail --help lists all commands'])
  expect(faultsOf(['--port'], {})).toEqual([
    "Option '--port <value>' argument missing; rustymail --help lists all commands",
  ])
})

test('an account of the environment gets the usual port for its TLS, and never a password in the clear over a network', () => {
  const login = { IMAP_HOST: 'mail.example.com', IMAP_USER: 'ann@example.com', IMAP_PASS: 'x' }
  expect(loadConfig([], login).account?.imap).toMatchObject({ port: 993, tls: 'implicit' })
  expect(loadConfig([], { ...login, IMAP_TLS: 'starttls' }).account?.imap).toMatchObject({ port: 143, tls: 'starttls' })
  expect(faultsOf([], { ...login, IMAP_TLS: 'none' })[0]).toContain('IMAP_TLS must be implicit or starttls')
  expect(faultsOf([], { ...login, IMAP_HOST: '127.0.0.1', IMAP_TLS: 'none' })).toEqual([])
})

test('backups by themselves need a place, and a database in a file; the commands take one file', () => {
  const set = { RUSTYMAIL_BACKUP_DIR: '/backups' }
  expect(loadConfig([], set).backups).toEqual({ directory: '/backups', everyMs: 86_400_000, keep: 7, withKey: true })
  const more = { RUSTYMAIL_BACKUP_EVERY_HOURS: '1', RUSTYMAIL_BACKUP_KEEP: '2', RUSTYMAIL_BACKUP_WITH_KEY: 'false' }
  const { backups } = loadConfig([], { ...set, ...more })
  expect(backups).toEqual({ directory: '/backups', everyMs: 3_600_000, keep: 2, withKey: false })
  expect(loadConfig([], {}).backups).toBeUndefined()
  expect(faultsOf([], more)).toEqual(
    ['EVERY_HOURS', 'KEEP', 'WITH_KEY'].map(
      name => `RUSTYMAIL_BACKUP_DIR must be set as well, since RUSTYMAIL_BACKUP_${name} is`,
    ),
  )
  expect(faultsOf([], { ...set, RUSTYMAIL_DATABASE_URL: 'postgres://x/y' })[0]).toContain('pg_dump')
  expect(faultsOf([], { ...set, RUSTYMAIL_DATABASE_URL: 'sqlite::memory:' })[0]).toContain('in memory')
  expect(faultsOf([], { ...set, RUSTYMAIL_BACKUP_KEEP: '0' })).toEqual(['RUSTYMAIL_BACKUP_KEEP must be 1–10000'])

  const asked = loadConfig(['restore', '/b.db', '--key-from', '/k', '--force'], {})
  expect([asked.command, asked.backup]).toEqual([
    'restore',
    { file: '/b.db', withoutKey: false, keyFrom: '/k', force: true },
  ])
  for (const words of [['backup'], ['restore', ''], ['backup', 'a', 'b']]) {
    expect(faultsOf(words, {})).toEqual([`${words[0]} requires one file name: rustymail ${words[0]} <file>`])
  }
})

test('.env.example lists every name that is read, and no other', () => {
  const listed = [...readFileSync('.env.example', 'utf8').matchAll(/^#?\s?([A-Z][A-Z_]+)=/gm)].map(match => match[1]!)
  expect(listed.sort()).toEqual(environmentNames().sort())
})

test('tracing is off unless an endpoint is set, and then the standard variables are obeyed or named', () => {
  const others = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_TRACES_SAMPLER: 'jaeger_remote' }
  expect(loadConfig([], others).tracing).toBeUndefined()
  const on = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }
  expect(loadConfig([], { ...on, OTEL_SDK_DISABLED: 'TRUE' }).tracing).toBeUndefined()
  expect(loadConfig([], { ...on, OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' }).tracing).toBeUndefined()
  expect(loadConfig([], on).tracing).toMatchObject({
    ...{ protocol: 'http/protobuf', timeoutMs: 10_000, serviceName: 'rustymail', sampler: 'parentbased_always_on' },
    ...{ traces: true, metrics: true, headers: {}, resource: {} },
  })
  const set = {
    ...on,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc=, x-tenant=a',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_RESOURCE_ATTRIBUTES: 'service.name=other,host.name=here',
    OTEL_SERVICE_NAME: 'mail',
    OTEL_TRACES_SAMPLER: 'traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.25',
  }
  expect(loadConfig([], set).tracing).toMatchObject({
    headers: { authorization: 'Bearer abc=', 'x-tenant': 'a' },
    ...{ protocol: 'http/json', serviceName: 'mail', resource: { 'host.name': 'here' } },
    ...{ sampler: 'traceidratio', ratio: 0.25 },
  })
  const faults = faultsOf([], {
    ...{ ...on, ...others, OTEL_EXPORTER_OTLP_HEADERS: 'a secret', OTEL_EXPORTER_OTLP_TIMEOUT: '1s' },
    ...{ OTEL_METRIC_EXPORT_INTERVAL: '1' },
  })
  const names = faults.map(fault => fault.split(' ')[0])
  const wrong = ['HEADERS', 'PROTOCOL', 'TIMEOUT'].map(name => `OTEL_EXPORTER_OTLP_${name}`)
  expect(names.sort()).toEqual([...wrong, 'OTEL_METRIC_EXPORT_INTERVAL', 'OTEL_TRACES_SAMPLER'].sort())
  expect(faults.join()).not.toContain('secret')
  expect(faultsOf([], { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' })).toEqual([
    expect.stringContaining('OTEL_EXPORTER_OTLP_ENDPOINT must be an http'),
  ])
})
