/** Names of mail as resources: each is read as it was written, and nothing else is one. */
import { expect, test } from 'vitest'
import { type MailResource, parseResource, resourceUri } from './resource-uri.ts'

test('a resource is read as it was named', () => {
  const account = 'a302c2b716217cfe'
  const all: MailResource[] = [
    { kind: 'account', account },
    { kind: 'folder', account, path: 'Entwürfe/50 % & more?#"' },
    { kind: 'message', account, message: 'q0mM0V2xxOW6kE7VphsN' },
    { kind: 'thread', account, thread: '14huw13yf9' },
    { kind: 'attachment', account, message: 'q0mM0V2xxOW6kE7VphsN', id: '2.1' },
    { kind: 'attachment', account, message: 'q0mM0V2xxOW6kE7VphsN', id: 'winmail.dat/2-1' },
  ]
  for (const resource of all) expect(parseResource(resourceUri(resource))).toEqual(resource)
  expect(resourceUri(all[1]!)).toBe(`mail://${account}/folders/Entw%C3%BCrfe%2F50%20%25%20%26%20more%3F%23%22`)
})

test.each([
  'mail://',
  'mail://a b',
  'mail://a/folders/',
  'mail://a/folders/%',
  'mail://a/folders/%00',
  'mail://a/folders/x/y',
  'mail://a/messages/x.y',
  'mail://a/messages/x/y',
  'mail://a/attachments/x',
  'mail://a/attachments/x/1/2',
  'mail://a/other/x',
  'MAIL://a',
  'https://a',
  `mail://a/folders/${'x'.repeat(4_000)}`,
])('%s is none', uri => {
  expect(parseResource(uri)).toBeUndefined()
})
