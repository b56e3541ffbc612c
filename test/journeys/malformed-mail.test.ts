/**
 * Broken and hostile messages on a real mail server: they are parsed as another parser does, and nothing in them is
 * active.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { type Message, messageHtmlPath, messageRawPath } from '../../contract/mail.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { fill } from '../support/mail-world.ts'
import { malformedMails } from '../support/malformed-mails.ts'
import { available } from '../support/require.ts'
import { apiKey, runHere, type Served } from '../support/rustymail.ts'
import { tempDir } from '../support/temp-dir.ts'

interface Read {
  subject: unknown
  from: unknown
  names: unknown
  text: unknown
}

/** Parsed by Python's `email`, see `malformed-mails.py`. */
const expected: Record<string, Read & { sha256: string }> = JSON.parse(
  readFileSync(new URL('../support/malformed-mails.json', import.meta.url), 'utf8'),
)

/** Where RustyMail differs from Python, and why that is right, or who decides it. */
const differences: Record<string, { why: string } & Partial<Read>> = {
  'a subject of spaces and tabs, folded': {
    why: 'Dovecot writes one blank for each run in its ENVELOPE',
    subject: 'one two three',
  },
  'a sender with a comment': {
    why: 'a comment behind an address was how names were written before RFC 822, and Dovecot takes it for one',
    from: [['John Doe', 'john@test.local']],
  },
  'a group of senders': {
    why: 'the name of the group stands before its members',
    from: [
      ['Friends', ''],
      [null, 'ann@test.local'],
      ['Ben', 'ben@test.local'],
    ],
  },
  'a sender in bytes of UTF-8': {
    why: 'Python leaves them undecoded; RFC 6532 allows them',
    from: [['Jürgen', 'j@test.local']],
  },
  'lines in the headers that are none': {
    why: 'Python ends the headers there; Dovecot goes on to the blank line, as RFC 5322 has it',
    subject: 'after it',
    text: 'words',
  },
  'a blank before the colon': {
    why: 'RFC 5322, section 4.5.8, wants it read; Python takes it for the end of the headers',
    subject: 'spaced',
    from: [['Bob', 'bob@test.local']],
    text: 'words',
  },
  'a NUL in the subject': { why: 'IMAP has no NUL; Dovecot writes another character', subject: 'one\ufffdtwo' },
  'a name in both forms': { why: 'RFC 6266 prefers the one that has a character set', names: ['bär.txt'] },
  'a name with a NUL in percents': { why: 'no control characters in names', names: ['a b.txt'] },
  'a pictures name that is empty': { why: 'an empty name is none', names: [] },
  'text of an unknown character set': { why: 'Python gives up; the words are ASCII', text: 'plain words' },
  'text that is no UTF-8': {
    why: 'the label cannot be true, and windows-1252 is what is likely',
    text: 'café au lait',
  },
  'a text with NULs': {
    why: 'IMAP has no NUL; Dovecot writes the byte 80, which is a sign of windows-1252',
    text: 'one€two',
  },
  'HTML alone, with script everywhere': { why: 'text is made of HTML, and script is none', text: 'wordsx' },
  'lines that flow': { why: 'Python does not join them (RFC 3676)', text: 'one two\n\n> quoted words' },
  'lines that flow, with blanks that are none': { why: 'the same with `delsp=yes`', text: 'onetwo' },
}

/** Removes NULs, as IMAP does. */
const withoutNul = (raw: Buffer) => Buffer.from(raw.toString('latin1').replaceAll('\0', '\u0080'), 'latin1')

/** Line ends, and spaces at the ends of a text, do not count as differences. */
const plainText = (text: unknown) => (typeof text === 'string' ? text.replaceAll('\r\n', '\n').trim() : text)

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  let dovecot: Dovecot
  let run: Served
  let id: string

  beforeAll(async () => {
    dovecot = await startDovecot()
    const dir = tempDir('malformed')
    run = await runHere({ dataDir: join(dir.path, 'data') })
    const imap = { host: '127.0.0.1', port: dovecot.imapPort, tls: 'none', user: 'alice@test.local' }
    const body = { email: 'alice@test.local', imap: { ...imap, password: 'pw-alice' } }
    ;({ id } = await run.call(api.accounts.createAccount, { body }))
    return async () => {
      await run.stop()
      await dovecot.stop()
      dir.remove()
    }
  })

  const listed = async (uid: number) => {
    const find = async () => {
      const { items } = await run.call(api.mail.listMessages, { params: { account_id: id }, query: { limit: '1' } })
      return items[0]
    }
    await expect.poll(async () => (await find())?.uid).toBe(uid)
    return (await find())!
  }
  const get = (path: string, ref: string) =>
    fetch(run.url + fill(path, { account_id: id, ref }), { headers: { authorization: `Bearer ${apiKey}` } })
  const open = (ref: string): Promise<Message> => run.call(api.mail.getMessage, { params: { account_id: id, ref } })

  test.each(Object.entries(malformedMails))('%s', async (name, raw) => {
    const { sha256, ...other } = expected[name]!
    expect(createHash('sha256').update(raw).digest('hex'), 'malformed-mails.json is of another message').toBe(sha256)
    const { uid } = await dovecot.appendMessage('alice@test.local', raw)
    const { ref, subject } = await listed(uid)
    const message = await open(ref)
    expect(message.subject).toBe(subject)
    const { why: _why, ...ours } = differences[name] ?? { why: '' }
    const wanted = { ...other, subject: other.subject ?? '', text: plainText(other.text), ...ours }
    expect({
      subject: message.subject,
      from: message.from.map(({ name: shown, email }) => [shown, email]),
      names: message.attachments.flatMap(({ name: shown }) => (shown === null ? [] : [shown])),
      text: plainText(message.text),
    }).toEqual(wanted)
    const html = await (await get(messageHtmlPath, ref)).text()
    expect(html).not.toMatch(
      /<script|\son\w+\s*=|javascript:|<iframe|<form|<svg|http-equiv=["']?refresh|evil\.example\/[xy]/i,
    )
    expect(Buffer.from(await (await get(messageRawPath, ref)).arrayBuffer()).equals(withoutNul(raw))).toBe(true)
  })

  test('each difference from Python is one', () => {
    for (const [name, { why, ...ours }] of Object.entries(differences)) {
      expect(why).not.toBe('')
      const other = expected[name]!
      for (const [field, value] of Object.entries(ours)) {
        const theirs = other[field as keyof Read] ?? (field === 'subject' ? '' : null)
        expect([name, field, value]).not.toEqual([name, field, plainText(theirs)])
      }
    }
  })
})
