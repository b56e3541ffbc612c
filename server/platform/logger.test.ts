/** What could be a secret is never written to the log. */
import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { createLogger } from './logger.ts'

test('secrets are redacted wherever they hang', () => {
  let written = ''
  const out = new Writable({
    write(chunk, _encoding, done) {
      written += String(chunk)
      done()
    },
  })
  const logger = createLogger('info', out)
  const canary = 'canary-7c1'
  logger.info(
    {
      password: canary,
      login: { pass: canary, user: 'ann' },
      request: { headers: { authorization: canary, cookie: canary } },
    },
    'tried',
  )
  expect(written).toContain('ann')
  expect(written).toContain('[redacted]')
  expect(written).not.toContain(canary)
})
