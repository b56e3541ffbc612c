/**
 * Expensive messages on a real mail server: each is listed and opened at little CPU cost, or reported for what it is.
 */
import { join } from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { api } from '../../contract/index.ts'
import { attachmentsZipPath, messageHtmlPath, messageRawPath } from '../../contract/mail.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { fill } from '../support/mail-world.ts'
import { available } from '../support/require.ts'
import { apiKey, runHere, type Served } from '../support/rustymail.ts'
import { tempDir } from '../support/temp-dir.ts'

const head = (subject: string, ...others: string[]) =>
  ['From: Bob <bob@test.local>', `Subject: ${subject}`, 'MIME-Version: 1.0', ...others].join('\r\n')
const body = (subject: string, type: string, encoding: string, content: string) =>
  `${head(subject, `Content-Type: ${type}; charset=utf-8`, `Content-Transfer-Encoding: ${encoding}`)}\r\n\r\n${content}\r\n`
const times = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, at) => make(at)).join('')
const inEachOther = (count: number) =>
  times(count, at => `Content-Type: multipart/mixed; boundary=b${at}x\r\n\r\n--b${at}x\r\n`)
const mib = 1024 * 1024

/** Messages, each with what is reported of it. */
const mails: Record<string, { raw(): string; told: object }> = {
  '1,000 parts in each other': {
    raw: () => `${head('nested')}\r\n${inEachOther(1_000)}Content-Type: text/plain\r\n\r\nwords\r\n`,
    told: { subject: 'nested', faults: ['structure_too_large', 'structure_too_deep'] },
  },
  '1,000 messages in each other': {
    raw: () =>
      `${head('attached')}\r\n${times(1_000, () => 'Content-Type: message/rfc822\r\n\r\nSubject: x\r\n')}\r\nwords\r\n`,
    told: { subject: 'attached', faults: ['structure_too_large'] },
  },
  '10,000 parts': {
    raw: () =>
      `${head('many', 'Content-Type: multipart/mixed; boundary=b')}\r\n\r\n${times(10_000, at => `--b\r\nContent-Type: a/b; name=${at}\r\n\r\nx\r\n`)}--b--\r\n`,
    told: { subject: 'many', faults: ['structure_too_large'], attachment_count: 9_999 },
  },
  '10,000 recipients': {
    raw: () =>
      body('people', 'text/plain', '7bit', 'words').replace(
        'Subject',
        `To: ${times(10_000, at => `"Person ${at}" <p${at}@test.local>,\r\n `)}last@test.local\r\nSubject`,
      ),
    told: { subject: 'people', to_count: 10_001, text: 'words\n' },
  },
  '50 MiB of headers': {
    raw: () =>
      body('before them', 'text/plain', '7bit', 'words').replace(
        'MIME-Version',
        `${times(52_429, at => `X-Junk-${at}: ${'x'.repeat(980)}\r\n`)}MIME-Version`,
      ),
    told: { subject: 'before them', faults: ['headers_too_large'] },
  },
  'a header of 10 MiB': {
    raw: () =>
      body('long', 'text/plain', '7bit', 'words').replace(
        'MIME-Version',
        `X-Long: ${'x'.repeat(10 * mib)}\r\nMIME-Version`,
      ),
    told: { subject: 'long', faults: ['headers_too_large'] },
  },
  'a subject of 1 MiB': { raw: () => body('x'.repeat(mib), 'text/plain', '7bit', 'words'), told: { text: 'words\n' } },
  'a subject of 100,000 encoded words': {
    raw: () =>
      body(
        times(100_000, () => '=?utf-8?Q?=C3=A9?=\r\n '),
        'text/plain',
        '7bit',
        'words',
      ),
    told: { text: 'words\n' },
  },
  'a name of 1 MiB': {
    raw: () => body('name', `a/b; name="${'../'.repeat(mib / 3)}"`, '7bit', 'x'),
    told: { subject: 'name' },
  },
  'a name in 10,000 pieces': {
    raw: () => body('pieces', `a/b;${times(10_000, at => `\r\n name*${at}*=%C3%A9`)}`, '7bit', 'x'),
    told: { subject: 'pieces' },
  },
  '20 MiB of quoted-printable': {
    raw: () => body('quoted', 'text/plain', 'quoted-printable', '='.repeat(20 * mib)),
    told: { subject: 'quoted', is_truncated: true },
  },
  '20 MiB of base64 that is none': {
    raw: () => body('junk', 'text/plain', 'base64', '!\r\n'.repeat((20 * mib) / 3)),
    told: { subject: 'junk', is_truncated: true },
  },
  '5 MiB of tags in each other': {
    raw: () => body('tags', 'text/html', '8bit', '<b><p>'.repeat((5 * mib) / 6)),
    told: { subject: 'tags', is_truncated: true },
  },
  '5 MiB of styles': {
    raw: () =>
      body(
        'styles',
        'text/html',
        '8bit',
        `<style>${'.a * .b{color:red}'.repeat((5 * mib) / 18)}</style><p class=a>words`,
      ),
    told: { subject: 'styles', is_truncated: true },
  },
  'NULs and signs that turn words round': {
    raw: () => body('a\u0000b', 'text/plain', '8bit', '\u0000\u00e2\u0080\u00ae'.repeat(100_000)),
    told: { subject: 'a\ufffdb' },
  },
}

/** CPU milliseconds of all threads until the message is listed, opened and shown. */
const mostMs = 2_000

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  let dovecot: Dovecot
  let run: Served
  let id: string

  beforeAll(async () => {
    dovecot = await startDovecot()
    const dir = tempDir('hostile')
    run = await runHere({ dataDir: join(dir.path, 'data') })
    const imap = { host: '127.0.0.1', port: dovecot.imapPort, tls: 'none', user: 'alice@test.local' }
    const account = { email: 'alice@test.local', imap: { ...imap, password: 'pw-alice' } }
    ;({ id } = await run.call(api.accounts.createAccount, { body: account }))
    // Threads are started and their code is compiled before anything is measured.
    await read(await arrive(body('first', 'text/html', '8bit', '<style>p{color:red}</style><p>words')))
    return async () => {
      await run.stop()
      await dovecot.stop()
      dir.remove()
    }
  })

  /** Returns the bytes of the message, and its ref. */
  const arrive = async (raw: string) => {
    const { uid } = await dovecot.appendMessage('alice@test.local', Buffer.from(raw, 'latin1'))
    // IMAP has no NUL; Dovecot replaces it.
    return { bytes: Buffer.from(raw.replaceAll('\0', '\u0080'), 'latin1'), uid }
  }
  const listed = async () => {
    const { items } = await run.call(api.mail.listMessages, { params: { account_id: id }, query: { limit: '1' } })
    return items[0]
  }
  const get = (path: string, ref: string) =>
    fetch(run.url + fill(path, { account_id: id, ref }), { headers: { authorization: `Bearer ${apiKey}` } })
  const read = async ({ uid }: { uid: number }) => {
    await vi.waitFor(async () => expect((await listed())?.uid).toBe(uid))
    const { ref } = (await listed())!
    const message = await run.call(api.mail.getMessage, { params: { account_id: id, ref } })
    const html = await (await get(messageHtmlPath, ref)).text()
    return { ref, message, html }
  }

  test.each(Object.entries(mails))('%s', async (_name, { raw, told }) => {
    const arrived = await arrive(raw())
    const before = process.cpuUsage()
    const { ref, message, html } = await read(arrived)
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1_000).toBeLessThan(mostMs)
    expect(message).toMatchObject(told)
    expect(html).toContain('<!doctype html>')
    // It can be downloaded whatever it contains.
    const saved = Buffer.from(await (await get(messageRawPath, ref)).arrayBuffer())
    expect(saved.equals(arrived.bytes)).toBe(true)
    const archive = await get(attachmentsZipPath, ref)
    expect([
      archive.status,
      Buffer.from(await archive.arrayBuffer())
        .toString('latin1')
        .includes('PK'),
    ]).toEqual([200, true])
  })
})
