/** Examples for the OpenAPI document, made from the schemas: a value for each field, by its name where the type leaves it open. */
import type { Json } from './json-schema.ts'

const account = '5f0c2f6b9d3e41a8'

/** Example values of strings by field name. A test validates every example with the schema that the server uses. */
const texts: Readonly<Record<string, string>> = {
  account_id: account,
  allowed_addresses: '10.0.0.0/8',
  allowed_by: 'Ada Admin',
  allowed_networks: '192.168.1.10/32',
  at: '2026-11-22T18:14:03.120Z',
  auth: 'BTBZMqHH6r4Tts7J_aSIgg',
  begun_at: '2026-11-01T08:00:00.000Z',
  can: 'mail:read',
  challenge: 'c2Vjb25kLWZhY3Rvcg',
  challenge_id: 'cGFzc2tleS1jaGFsbGVuZ2U',
  client_id: 'c7b1d2',
  code: '492816',
  configured: '192.168.0.0/16',
  content_id: 'logo@example.org',
  conversation_id: 'conv-1',
  cursor: 'AAAAAwAAAwN4eHh4',
  current_password: 'seven quiet lamps by the river',
  database: 'ok',
  delimiter: '/',
  discovery_id: 'd4f0a7c5d2e498612',
  domain: 'example.org',
  domains: 'example.org',
  email: 'ann@example.org',
  endpoint: 'https://fcm.googleapis.com/fcm/send/eFx3kq7Tz0A:APA91b',
  epoch: 'k3f9',
  errors: 'body.name',
  expires_at: '2027-02-20T18:14:03.120Z',
  fingerprint: '3b1f0a7c5d2e4986b1f0a7c5d2e49863b1f0a7c5d2e49863b1f0a7c5d2e49861',
  folder: 'INBOX',
  from: '2026-11-01T00:00:00.000Z',
  after: '0',
  retry_of: 'n0mx1ym4q52mqjn90',
  input_hash: '9f2b6c0d5e8a417c9f2b6c0d5e8a417c9f2b6c0d5e8a417c9f2b6c0d5e8a417c',
  hash: '9f2b6c0d5e8a417c9f2b6c0d5e8a417c9f2b6c0d5e8a417c9f2b6c0d5e8a417c',
  host: 'imap.example.org',
  html: '<p>At noon?</p>',
  id: account,
  imap_hosts: 'imap.example.org',
  in_reply_to: '<1@example.org>',
  instance: 'a1b2c3d4-7',
  ip_address: '192.0.2.7',
  last_event_id: 'k3f9-1042',
  link: 'https://mail.example.org/invitation#bGluaw',
  link_token: 'bGlua190b2tlbg',
  message_id: '<2@example.org>',
  metadata_url: 'https://login.example.org',
  model: 'gpt-5-mini',
  network: '192.168.1.10/32',
  networks: '192.168.1.10/32',
  new_ref: 'AAAAAwAAAwNJTkJPWF9IX81Rt4ivptClMw',
  new_password: 'nine green doors near the harbour',
  next_cursor: 'AAAAAwAAAvN4eHh4',
  operation: 'mail.getMessage',
  p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
  password: 'nine green doors near the harbour',
  path: 'INBOX',
  prefix: 'rm_4fK2pQ',
  principal: 'Ada Admin',
  principal_id: 'session-9a1f',
  principal_name: 'Ada Admin',
  provider: 'openai',
  urls: 'https://example.org/unsubscribe',
  public_key: 'BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs',
  q: 'from:anna "annual report" is:unread',
  qr_svg: '<svg xmlns="http://www.w3.org/2000/svg"/>',
  query: 'Who wrote to me about the harvest?',
  recovery_codes: 'k4fp-2m8x',
  request_id: 'q3Jw8Zt1LxkP0vYbN7mRs2cEhUaDfGoT',
  ref: 'AAAAAwAAAwNJTkJPWF9IX81Rt4ivptClMw',
  message_ref: 'AAAAAwAAAwNJTkJPWF9IX81Rt4ivptClMw',
  attached_to: 'AAAAAwAAAwNJTkJPWF9IX81Rt4ivptClMw',
  response: 'Anna Berg did, on Monday.',
  secret: 'JBSWY3DPEHPK3PXP',
  redirect_uri: 'https://mail.example.org/oauth/mail/callback',
  sign_in_id: 'Zk3vT1c0Qm5hbGljZQ',
  smtp_hosts: 'smtp.example.org',
  verification_uri: 'https://login.example.org/device',
  service: 'fcm.googleapis.com',
  services: '*.push.services.mozilla.com',
  subscription_id: 'p4f0a7c5d2e49861b',
  server_address: 'imap.example.org',
  setup_token: 'c2V0LXVw',
  status_at: '2026-11-22T18:14:03.120Z',
  subject: 'Annual report',
  text: 'At noon?',
  to: '2026-11-30T23:59:59.999Z',
  token: 'rm_4fK2pQ…',
  type: 'text/plain',
  types: 'mail_received',
  uri: 'otpauth://totp/RustyMail:ann%40example.org?secret=JBSWY3DPEHPK3PXP',
  user: 'ann@example.org',
  user_agent: 'curl/8.5.0',
  user_name: 'Ada Admin',
  version: '1.0.0',
}

const numbers: Readonly<Record<string, number>> = { port: 993, max_connections: 100, size_bytes: 4096, uid: 771 }
const someTime = '2026-11-22T18:14:03.120Z'

/**
 * Returns a value that the schema allows.
 * @param name Name of the field.
 */
export function exampleOf(schema: unknown, components: Json, name = ''): unknown {
  const { $ref, ...own } = schema as Json & { $ref?: string }
  if ($ref !== undefined) return exampleOf(components[$ref.split('/').at(-1)!], components, name)
  if (Array.isArray(own.examples)) return own.examples[0]
  for (const key of ['const', 'default']) if (own[key] !== undefined) return own[key]
  if (Array.isArray(own.enum)) return own.enum[0]
  const choices = (own.anyOf ?? own.oneOf) as Json[] | undefined
  if (choices) return exampleOf(choices.find(({ type }) => type !== 'null') ?? choices[0], components, name)
  const type = Array.isArray(own.type) ? own.type.find(one => one !== 'null') : own.type
  switch (type) {
    case 'object':
      return objectExample(own, components)
    case 'array':
      return [exampleOf(own.items ?? {}, components, name)]
    case 'string':
      return textExample(own, name)
    case 'integer':
    case 'number':
      return Math.min(Math.max(numbers[name] ?? 1, Number(own.minimum ?? 1)), Number(own.maximum ?? 1_000_000))
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return {}
  }
}

function objectExample({ properties = {} }: Json, components: Json): Json {
  return Object.fromEntries(
    Object.entries(properties as Json).map(([name, property]) => [name, exampleOf(property, components, name)]),
  )
}

function textExample({ format, minLength, maxLength }: Json, name: string): string {
  const known = format === 'date-time' && !/^(from|to|expires_at)$/.test(name) ? someTime : texts[name]
  const text = known ?? (name.endsWith('_id') ? account : (name || 'text').replaceAll('_', ' '))
  return text.padEnd(Number(minLength ?? 0), 'x').slice(0, Number(maxLength ?? text.length))
}
