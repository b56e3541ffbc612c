/**
 * The sender of a mail, from a real mail server to REST and MCP: forged headers, names that hide addresses, and bodies
 * that differ.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import type { Message } from '../../contract/mail.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { callTool, connectMcp } from '../support/mcp-client.ts'
import { available } from '../support/require.ts'
import { apiKey, runHere, type Served, startHere } from '../support/rustymail.ts'
import { tempDir } from '../support/temp-dir.ts'

const alice = { user: 'alice@test.local', password: 'pw-alice' }
const pass = (id: string) =>
  `Authentication-Results: ${id}; dkim=pass header.d=corp.example; dmarc=pass header.from=corp.example`
const received = (by: string) =>
  `Received: from mail.corp.example ([192.0.2.1]) by ${by} with ESMTP; Sun, 22 Nov 2026 18:14:03 +0000`
const long = 'x'.repeat(200)

/** Headers by subject. */
const heads: Record<string, string[]> = {
  genuine: [
    received('mx.test.local'),
    pass('mx.test.local'),
    'DKIM-Signature: v=1; d=corp.example; s=a; h=from:to:subject; bh=AA==; b=AA==',
    'From: Boss <boss@corp.example>',
    // Added by somebody who passed it on.
    'Cc: eve@elsewhere.example',
  ],
  'forged provider': [pass('mx.google.com'), 'From: Boss <boss@corp.example>'],
  'forged below': [
    received('mx.test.local'),
    pass('mx.test.local').replaceAll('pass', 'fail'),
    pass('mx.test.local'),
    'From: Boss <boss@corp.example>',
  ],
  'forged far below': [received('mx.evil.example'), pass('mx.test.local'), 'From: Boss <boss@corp.example>'],
  'behind a long head': [
    received('mx.test.local'),
    ...Array.from({ length: 20 }, () => `X-Junk: ${'j'.repeat(900)}`),
    pass('mx.test.local'),
    'From: Boss <boss@corp.example>',
  ],
  'no header at all': ['From: Boss <boss@corp.example>'],
  'hidden by its name': [`From: "Boss <boss@corp.example>${' .'.repeat(90)}" <evil@elsewhere.example>`],
  'in encoded words': ['From: =?utf-8?q?Boss_=3Cboss=40corp=2Eexample=3E=0A?= <evil@elsewhere.example>'],
  'several senders': [
    'From: Boss <boss@corp.example>, Eve <evil@elsewhere.example>',
    'Sender: Eve <evil@elsewhere.example>',
  ],
  'sent by another': [
    'From: Boss <boss@corp.example>',
    'Sender: Agency <agency@elsewhere.example>',
    'Reply-To: "boss@corp.example" <evil@elsewhere.example>',
  ],
  'a group': ['From: Boss: ;'],
  'an over-long address': [`From: Boss <boss@corp.example.${long}.${long}.example>`],
}

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  let dovecot: Dovecot
  let run: Served
  const messages = new Map<string, Message>()

  beforeAll(async () => {
    dovecot = await startDovecot()
    const dir = tempDir('true-sender')
    const environment = { RUSTYMAIL_AUTH_SERVERS: '127.0.0.1=mx.test.local' }
    run = await runHere({ environment, dataDir: `${dir.path}/data` })
    const imap = { host: '127.0.0.1', port: dovecot.imapsPort, tls: 'implicit' as const, ...alice }
    for (const [subject, head] of Object.entries(heads)) {
      await dovecot.appendMessage(alice.user, `${head.join('\n')}\nTo: ${alice.user}\nSubject: ${subject}\n\nHello\n`)
    }
    const { id } = await run.call(api.accounts.createAccount, { body: { email: alice.user, imap } })
    const { items } = await run.call(api.mail.listMessages, { params: { account_id: id } })
    for (const { ref, subject } of items) {
      messages.set(subject, await run.call(api.mail.getMessage, { params: { account_id: id, ref } }))
    }
    return async () => {
      await run.stop()
      await dovecot.stop()
      dir.remove()
    }
  })

  const get = (subject: string) => messages.get(subject)!

  test('only what the named server wrote on top is believed', () => {
    const verdicts = [...messages].map(([subject, { auth }]) => [subject, auth?.verdict ?? null])
    expect(Object.fromEntries(verdicts)).toEqual({
      ...Object.fromEntries(Object.keys(heads).map(subject => [subject, null])),
      genuine: 'verified',
      'forged below': 'failed',
    })
    expect(get('genuine').auth).toEqual({
      verdict: 'verified',
      domain: 'corp.example',
      spf: null,
      dkim: 'pass',
      dmarc: 'pass',
      unsigned: ['cc'],
    })
  })

  test('senders that are not what they seem are told from others', () => {
    const odd = [...messages].filter(([, { sender_warnings: all }]) => all.length > 0)
    expect(Object.fromEntries(odd.map(([subject, message]) => [subject, message.sender_warnings]))).toEqual({
      'hidden by its name': ['name_shows_other_address'],
      'in encoded words': ['name_shows_other_address'],
      'sent by another': ['name_shows_other_address'],
      'an over-long address': ['invalid_address'],
      'a group': ['invalid_address'],
    })
    expect(get('sent by another').sender).toEqual([{ name: 'Agency', email: 'agency@elsewhere.example' }])
    expect(get('genuine').sender).toEqual([])
  })

  test('an agent is told the true address of each, or that there is none', async () => {
    const client = await connectMcp(run.url, { authorization: `Bearer ${apiKey}` })
    const { value } = await callTool(client, 'mail_search', { q: 'subject:a' })
    expect(JSON.stringify(value)).toContain('"from":"boss@corp.example (Boss)"')
    const { value: found } = await callTool(client, 'mail_search', { q: 'is:unread', limit: 50 })
    const hits = found.hits as { subject: string; ref: string; from: string; warn?: string[] }[]
    const from = Object.fromEntries(hits.map(hit => [hit.subject, hit.from]))
    const evil = 'evil@elsewhere.example'
    expect(from).toMatchObject({
      genuine: 'boss@corp.example (Boss)',
      'hidden by its name': expect.stringMatching(/^evil@elsewhere\.example \(Boss <boss@corp\.example>.*…\)$/),
      'in encoded words': `${evil} (Boss <boss@corp.example>)`,
      'several senders': `boss@corp.example (Boss), ${evil} (Eve)`,
      'an over-long address': expect.stringMatching(/^invalid address "boss@corp\.example\.x+…" \(Boss\)$/),
    })
    expect(hits.find(({ subject }) => subject === 'an over-long address')).toMatchObject({ warn: ['invalid_address'] })
    const refs = ['genuine', 'forged provider', 'sent by another'].map(
      subject => hits.find(hit => hit.subject === subject)!.ref,
    )
    const { value: read } = await callTool(client, 'mail_read', { refs, view: 'headers' })
    const [genuine, forged, other] = read.messages as Record<string, unknown>[]
    expect(genuine?.auth).toEqual({
      verdict: 'verified',
      domain: 'corp.example',
      dkim: 'pass',
      dmarc: 'pass',
      unsigned: 'cc',
    })
    expect(forged).not.toHaveProperty('auth')
    expect(other).toMatchObject({
      sender: [{ name: 'Agency', email: 'agency@elsewhere.example' }],
      reply_to: [{ name: 'boss@corp.example', email: evil }],
      warn: ['name_shows_other_address'],
    })
  })
})

test('no mail of the sandbox is said to differ in its parts, or to come from an odd sender', async () => {
  const run = await startHere({ args: ['--demo'] })
  const account_id = (await run.call(api.accounts.listAccounts)).items[0]!.id
  const { items: folders } = await run.call(api.mail.listFolders, { params: { account_id } })
  let twofold = 0
  const odd: unknown[] = []
  for (const { path: folder } of folders) {
    let cursor: string | null | undefined
    while (cursor !== null) {
      const query = { folder, limit: '100', ...(cursor === undefined ? {} : { cursor }) }
      const page = await run.call(api.mail.listMessages, { params: { account_id }, query })
      for (const { ref } of page.items) {
        const message = await run.call(api.mail.getMessage, { params: { account_id, ref } })
        if (message.text !== null && message.html !== null) twofold++
        if (message.parts_differ || message.sender_warnings.length > 0)
          odd.push([folder, message.subject, message.from])
      }
      cursor = page.next_cursor
    }
  }
  expect(odd).toEqual([])
  expect(twofold).toBeGreaterThan(100)
})
