import { expect, test } from 'vitest'
import { guessServers } from './known-servers.ts'

test('the servers of a known provider are known, whatever the case of the address', () => {
  const guess = guessServers(' Anna@GoogleMail.com ')
  expect(guess?.provider?.name).toBe('Gmail')
  expect(guess?.provider?.note).toContain('app password')
  expect(guess?.imap).toEqual({ host: 'imap.gmail.com', port: 993, tls: 'implicit', user: 'Anna@GoogleMail.com' })
  expect(guess?.smtp).toMatchObject({ host: 'smtp.gmail.com', port: 465, tls: 'implicit' })
})

test('a provider that refuses passwords is said to', () => {
  expect(guessServers('a@outlook.com')?.provider?.refusesPasswords).toBe(true)
})

test('iCloud logs in to IMAP with the name before the @, and to SMTP with the whole address', () => {
  expect(guessServers('anna@icloud.com')).toMatchObject({ imap: { user: 'anna' }, smtp: { user: 'anna@icloud.com' } })
})

test('Proton is reached through its bridge on this machine', () => {
  expect(guessServers('a@proton.me')?.imap).toMatchObject({ host: '127.0.0.1', port: 1143, tls: 'starttls' })
})

test('other domains are guessed by their usual names', () => {
  expect(guessServers('a@mail.example.org')).toEqual({
    provider: undefined,
    imap: { host: 'imap.mail.example.org', port: 993, tls: 'implicit', user: 'a@mail.example.org' },
    smtp: { host: 'smtp.mail.example.org', port: 465, tls: 'implicit', user: 'a@mail.example.org' },
  })
})

test.each(['', 'anna', 'anna@', '@example.org', 'anna@example', 'a b@example.org', 'a@b@example.org'])(
  'no guess is made from %j',
  address => {
    expect(guessServers(address)).toBeUndefined()
  },
)
