/** The form of a webhook shows errors at their fields before the server is asked. */
import { expect, test } from 'vitest'
import { checkWebhook, typesIn } from './webhook-draft.ts'

const right = { name: 'Invoices', url: 'https://x.test/hook', token_id: 't', types: '', query: '', order: 'endpoint' }

test('an address that is not whole or not https, and events that there are not, are named', () => {
  expect(checkWebhook(right)).toEqual({})
  expect(checkWebhook({ ...right, types: 'mail_received, delivery_changed' })).toEqual({})
  expect(Object.keys(checkWebhook({ ...right, name: ' ', url: 'https://' }))).toEqual(['name', 'url'])
  expect(checkWebhook({ ...right, url: 'http://x.test/' }).url).toContain('must begin with https://')
  expect(checkWebhook({ ...right, url: 'https://x y' }).url).toContain('not a complete address')
  expect(checkWebhook({ ...right, types: 'mail_received mail_recieved' }).types).toContain('mail_recieved')
})

test('events are separated by commas, blanks or lines, and each counts once', () => {
  expect(typesIn(' mail_received,mail_changed;\nmail_received ')).toEqual(['mail_received', 'mail_changed'])
})
