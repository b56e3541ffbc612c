/** The last lines of the log: within bounds, without secrets in whatever form they come, and the same as what is written. */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { LogLines } from './log-lines.ts'
import { escapeUnseen, LogSecrets, shownText } from './log-secrets.ts'
import { createLogger } from './logger.ts'

const world = (options: { known?: string[]; maxLines?: number; maxBytes?: number } = {}) => {
  const { known = [], ...bounds } = options
  const written: string[] = []
  const out = { write: (line: string) => void written.push(line) }
  const lines = new LogLines({ out, secrets: new LogSecrets(known), ...bounds })
  return { written, lines, logger: createLogger('trace', lines) }
}

test('it holds the newest lines, up to a number and a size, and the same words as are written', () => {
  const { lines, logger, written } = world({ maxLines: 5 })
  for (let count = 1; count <= 8; count++) logger.info({ count }, 'said')
  expect(lines.held.map(({ number, text }) => [number, JSON.parse(text).count])).toEqual(
    [4, 5, 6, 7, 8].map(number => [number, number]),
  )
  expect(written.slice(3)).toEqual(lines.held.map(({ text }) => `${text}\n`))
  const small = world({ maxBytes: 4_000 })
  for (let count = 0; count < 100; count++) small.logger.info({ words: 'x'.repeat(100) }, 'said')
  expect(small.lines.bytes).toBeLessThanOrEqual(4_000)
  expect(small.lines.bytes).toBe(small.lines.held.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0))
  expect(small.lines.held.length).toBeGreaterThan(10)
})

test('a line that is too long is held shortened, and written whole', () => {
  const { lines, logger, written } = world()
  const long = 'ä'.repeat(30_000)
  logger.warn({ account_id: 'a', request_id: 'r-1', long, many: Array(200).fill('x'.repeat(999)) }, 'long')
  logger.warn({ long }, 'shorter')
  expect(JSON.parse(written[0]!).long).toBe(long)
  const [first, second] = lines.held.map(({ text }) => JSON.parse(text))
  expect(first).toMatchObject({ level: 'warn', account_id: 'a', request_id: 'r-1', msg: 'long', shortened: true })
  expect(second.long).toBe(`${'ä'.repeat(1_000)}…`)
})

test('secrets are neither written nor held, wherever they stand', () => {
  const canary = `canary${randomBytes(8).toString('hex')}`
  const { lines, logger, written } = world({ known: [`${canary} of the environment`] })
  const texts = [
    `rm_${canary}${canary}`,
    `whsec_${canary}`,
    `sk-${canary}`,
    `eyJhbGciOiJIUzI1NiJ9.${canary}.${canary}`,
    `Authorization: Bearer ${canary}`,
    `authorization: Custom x=${canary}, y=${canary}`,
    `Basic ${Buffer.from(`ann:${canary}`).toString('base64')}`,
    `Cookie: a=1; rustymail_session=${canary}`,
    `__Host-rustymail_session=${canary}; Path=/`,
    `{"password":"${canary}","user":"ann"}`,
    JSON.stringify(JSON.stringify({ client_secret: canary })),
    `grant_type=refresh_token&refresh_token=${canary}&client_id=x`,
    `https://ann:${canary}@mail.example.org/`,
    `https://mail.example.org/setup#${canary}`,
    `GET /oauth/mail/callback?code=${canary}&state=${canary}`,
    `A1 LOGIN "ann" "${canary} \\" ${canary}"`,
    `A1 LOGIN ann ${canary}`,
    `AUTHENTICATE PLAIN ${Buffer.from(`\0ann\0${canary}`).toString('base64')}`,
    `the key is ${canary} of the environment`,
    `api-key=${canary}`,
  ]
  for (const text of texts) {
    logger.info(text)
    logger.info({ detail: text, deep: { list: [text] } }, 'said')
    logger.info({ err: new Error(text, { cause: new Error(text) }) }, 'failed')
  }
  const deep = { a: { b: { c: { d: { password: canary, Cookie: [canary], apiKey: { x: canary } } } } } }
  logger.info(deep, 'deep')
  const all = [...written, ...lines.held.map(({ text }) => text)].join('')
  const encoded = [0, 1, 2].map(shift =>
    Buffer.from(`${'x'.repeat(shift)}${canary}`)
      .toString('base64')
      .slice(4, -4),
  )
  for (const form of [canary, ...encoded]) {
    const at = all.indexOf(form)
    expect(at < 0 ? '' : all.slice(Math.max(0, at - 80), at + 40)).toBe('')
  }
  expect(all).toContain('"user')
  for (const line of written) JSON.parse(line)
})

test('what is no secret stays', () => {
  const { logger, written } = world()
  const fields = { code: 'account_disabled', tokens_revoked: 3, session: '9a1f', path: '/api/v1/tokens', fields: null }
  const words = 'the token of Ann was revoked; her password was changed, secret of the webhook rotated'
  logger.info(fields, words)
  expect(JSON.parse(written[0]!)).toMatchObject({ ...fields, msg: words })
})

test('of an error its words and its stack are told, and nothing that a library hung on it', () => {
  const { logger, written } = world()
  const error = Object.assign(new Error('refused'), {
    code: 'EREFUSED',
    response: 'Subject: quarterly',
    body: { a: 1 },
  })
  logger.error({ err: error }, 'failed')
  logger.error({ error }, 'failed')
  for (const line of written) expect(line).not.toMatch(/quarterly|body/)
  expect(JSON.parse(written[0]!).err).toMatchObject({ type: 'Error', message: 'refused', code: 'EREFUSED' })
  expect(JSON.parse(written[1]!).error.stack).toContain('log-lines.test')
})

test('what would not be seen, or moves what is beside it, is written as an escape', () => {
  const { logger, written } = world()
  const nasty = 'a\u202eb\u2066c\u200bd\u009b31m\u{e0041}\u2028\u007f'
  logger.info({ nasty }, 'said')
  expect(written[0]).toMatch(/^[\x20-\x7e]+\n$/)
  expect(JSON.parse(written[0]!).nasty).toBe(nasty)
  expect(shownText('a\u202e\n\u001b[31m\ud800ü')).toBe('a\\u202e\\u000a\\u001b[31m\\ud800ü')
  expect(escapeUnseen('\u{e0041}')).toBe('\\udb40\\udc41')
})

test('however long what strangers write is, each pattern reads it once', () => {
  const secrets = new LogSecrets(['a secret of the environment'])
  const pieces = [
    'a-',
    'a.b.',
    'eyJ-',
    'eyJ-aaaaaa-',
    'LOGIN ',
    'AUTH A',
    "token'",
    'token\\',
    'a://',
    'cookie ',
    '?code=',
    'rm_',
  ]
  // Its length squared would be minutes, and the end of this test.
  for (const piece of pieces) {
    const text = piece.repeat(1_000_000 / piece.length)
    expect(typeof secrets.without(text)).toBe('string')
  }
})
