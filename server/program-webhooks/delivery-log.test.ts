/** The latest attempts of a webhook: bounded, without secrets, and without what private servers answered. */
import { expect, test } from 'vitest'
import { mail, reader } from '../../test/support/webhook-world.ts'
import type { WebhookOutcome } from '../webhooks/webhook-sender.ts'
import { DeliveryLog, shown } from './delivery-log.ts'
import { control, messageOf } from './program-webhooks.ts'

const refused = (text: string, isPrivate = false): WebhookOutcome => ({
  ...{ kind: 'retry', fault: 'http_5xx', afterMs: undefined },
  answer: { status: 500, text, isPrivate },
})
const attempt = (outcome: WebhookOutcome, message = control('test', 'test_1', {})) => ({
  ...{ message, outcome, at: 1_000, durationMs: 1.4 },
})

test('fifty attempts of each webhook are kept, the newest first, of a thousand webhooks', () => {
  const log = new DeliveryLog()
  for (let count = 0; count < 60; count++) log.add('one', attempt(refused(''), control('test', `test_${count}`, {})))
  const ids = log.list('one', reader(), true).map(({ id }) => id)
  expect([ids.length, ids[0], ids.at(-1)]).toEqual([50, 'test_59', 'test_10'])
  for (let count = 0; count < 999; count++) log.add(`other ${count}`, attempt(refused('')))
  expect(log.list('one', reader(), true)).toHaveLength(50)
  log.add('one more', attempt(refused('')))
  expect([log.list('one', reader(), true).length, log.list('other 0', reader(), true).length]).toEqual([0, 1])
  log.forget('other 0')
  expect(log.list('other 0', reader(), true)).toEqual([])
})

test('an answer is shown as far as it may be: cut at a character, without secrets, of private servers to few', () => {
  const body = (text: string, isPrivate = false, seesPrivate = false) =>
    shown(attempt(refused(text, isPrivate)), seesPrivate).response!.body
  expect(body('no: whsec_0123456789abcdef')).toBe('no: whsec_…')
  expect(body('Bearer abcdefghijkl')).toBe('Bearer …')
  expect(body(`${'x'.repeat(1_023)}ü`)).toBe('x'.repeat(1_023))
  expect(body('x'.repeat(1_024))).toHaveLength(1_024)
  expect([body('inside', true), body('inside', true, true), body('outside')]).toEqual([null, 'inside', 'outside'])
  expect(shown(attempt({ kind: 'sent', text: '' }), true)).toMatchObject({ outcome: 'delivered', response: null })
})

test('an attempt about an account is shown to those that see it', () => {
  const log = new DeliveryLog()
  log.add('one', attempt(refused(''), messageOf('evt_1', mail(1, 'b'))))
  expect(log.list('one', reader('token-1', ['a']), true)).toEqual([])
  expect(log.list('one', reader('token-1', ['b']), true)).toMatchObject([{ type: 'mail_received', duration_ms: 1 }])
})
