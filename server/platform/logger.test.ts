/** What could be a secret is never written to the log, and a stack only where it helps. */
import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { createLogger, type Logger } from './logger.ts'
import { Problem } from './problem.ts'

/** Returns a logger and what it writes. */
function written(): { logger: Logger; text(): string } {
  let text = ''
  const out = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk)
      done()
    },
  })
  return { logger: createLogger('info', out), text: () => text }
}

test('secrets are redacted wherever they hang', () => {
  const { logger, text } = written()
  const canary = 'canary-7c1'
  logger.info(
    {
      password: canary,
      login: { pass: canary, user: 'ann' },
      request: { headers: { authorization: canary, cookie: canary } },
    },
    'tried',
  )
  expect(text()).toContain('ann')
  expect(text()).toContain('[redacted]')
  expect(text()).not.toContain(canary)
})

test('an outcome is written without a stack, a bug with it', () => {
  const { logger, text } = written()
  logger.warn({ err: new Problem('mail_server_unreachable', 'Nothing answers.') }, 'waits')
  logger.error({ err: new TypeError('not a function') }, 'failed')
  logger.error({ err: new Problem('internal', 'Something went wrong here.') }, 'failed')
  const [outcome, bug, own] = text()
    .trim()
    .split('\n')
    .map(line => JSON.parse(line).err)
  expect(outcome).toEqual({ type: 'Problem', message: 'Nothing answers.', code: 'mail_server_unreachable' })
  expect(bug.stack).toContain('TypeError: not a function\n')
  expect(own.stack).toContain('Something went wrong here.')
})
