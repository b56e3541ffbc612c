/** Signatures as the official library of Standard Webhooks verifies them, and which secrets are taken. */
import { randomBytes } from 'node:crypto'
import { Webhook, WebhookVerificationError } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { isSecret, signerOf } from './webhook-signer.ts'

const newSecret = (bytes = 32) => `whsec_${randomBytes(bytes).toString('base64')}`

test('each secret signs, and a body that was changed is not signed', async () => {
  const [one, other] = [newSecret(), newSecret()]
  const sign = await signerOf([one, other])
  const body = JSON.stringify({ subject: 'Grüße ✓' })
  const headers = sign('evt_1', new Date(), body)
  for (const secret of [one, other]) expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body))
  expect(() => new Webhook(newSecret()).verify(body, headers)).toThrow(WebhookVerificationError)
  expect(() => new Webhook(one).verify(`${body} `, headers)).toThrow(WebhookVerificationError)
  expect(() => new Webhook(one).verify(body, { ...headers, 'webhook-id': 'evt_2' })).toThrow(WebhookVerificationError)
})

test('a secret is whsec_ and base64 of 24 to 64 bytes', () => {
  expect([24, 32, 64].map(bytes => isSecret(newSecret(bytes)))).toEqual([true, true, true])
  const wrong = [
    newSecret(23),
    newSecret(65),
    newSecret().slice(6),
    'whsec_',
    'whsec_!!',
    `${newSecret()}\n`,
    'whsec_YQ',
  ]
  expect(wrong.map(isSecret)).toEqual(wrong.map(() => false))
})
