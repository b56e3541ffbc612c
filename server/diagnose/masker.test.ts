/** Reports that strangers read: nothing of an account's names is in them. */
import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Diagnosis } from '../../contract/diagnose.ts'
import { Masker } from './masker.ts'
import { hintsFor } from './provider-hints.ts'
import { maskedReport } from './report.ts'

const pick = <T>(items: readonly T[]): T => items[randomInt(items.length)]!
const word = () => Array.from({ length: randomInt(4, 12) }, () => pick([...'abcdefghijklmnopqrstuvwxyzéüß'])).join('')
const capital = (text: string) => text[0]!.toUpperCase() + text.slice(1)

test('whatever an account is called, and wherever its names stand, none of them is in the report', () => {
  for (let run = 0; run < 300; run++) {
    const [first, last, company, folder, other] = Array.from({ length: 5 }, () => `${word()}q${randomInt(10)}x`)
    const domain = `${company}.${pick(['test', 'co.test', 'de'])}`
    const host = `${pick(['imap', 'mx7', word()])}.${domain}`
    const email = `${first}.${last}@${domain}`
    const path = `${pick(['', 'INBOX.', 'Clients/'])}${capital(folder!)} & co`
    const names = [first!, last!, company!, domain, host, email, folder!]
    const secrets = [
      ...names,
      `${other}@${company}.test`,
      other!,
      '10.11.12.13',
      'fd12::7',
      '93.184.215.14',
      `<${other}@${domain}>`,
    ]
    const said = (from: 'client' | 'server', text: string) => ({
      ...{ at: '2026-11-29T09:00:00.000Z', part: 'imap' as const, connection: 1, from, text, count: 1 },
    })
    const texts = [
      `Welcome ${capital(first!)} ${capital(last!)} at ${host.toUpperCase()} [10.11.12.13] (fd12::7)`,
      `550 5.1.1 <${other}@${company}.test>: no, see https://${host}/why?for=${email} and 93.184.215.14:993`,
      `* BYE ${company} is closed, <${other}@${domain}>, ${email}: ${path}`,
    ]
    const check = (words: string, value: string) => ({
      ...{ id: 'greeting' as const, part: 'imap' as const, state: 'failed' as const, ms: 1, words },
      details: ['It said', 'A', 'Certificate 1'].map(name => ({ name, value })),
    })
    const diagnosis: Diagnosis = {
      account_id: 'a',
      made_at: '2026-11-29T09:00:00.000Z',
      duration_ms: 5,
      state: 'failed',
      verdict: texts[0]!,
      advice: texts,
      checks: [
        ...texts.map(text => check(text, text)),
        {
          ...{ id: 'folders', part: 'imap', state: 'ok', ms: 1, words: 'all' },
          details: [
            { name: 'sent', value: path },
            { name: 'Namespace, other', value: `"${first}/"` },
          ],
        },
      ],
      lines: [
        said('client', `A1 SELECT "${path.replaceAll('"', '\\"')}"`),
        said('client', `A2 UID COPY 1:2 ${folder}`),
        said('client', `A3 RENAME ${folder} "${other}"`),
        said('server', `* NAMESPACE (("" "/")) (("${first}/" "/")) NIL`),
        ...texts.map(text => said('server', text)),
      ],
    }
    const account = {
      name: `${capital(first!)} ${capital(last!)}`,
      email,
      imap: { host, user: pick([email, first!]) },
      smtp: { host: `smtp.${domain}`, user: email },
      watched_folders: [path],
    }
    const report = maskedReport(diagnosis, account, { version: '0.1.0', facts: [['Platform', 'linux']] }).toLowerCase()
    for (const secret of secrets) expect(report.includes(secret.toLowerCase()), `${secret} in:\n${report}`).toBe(false)
  }
})

/** Encodes a path as a server without UTF-8 does. */
const utf7 = (path: string) =>
  path
    .replaceAll('&', '&-')
    .replaceAll(
      /[^\x20-\x7e]+/g,
      text => `&${Buffer.from(text, 'utf16le').swap16().toString('base64').replaceAll('/', ',').replace(/=+$/, '')}-`,
    )

test('a folder that the account does not know of is in no line of a server, however it is written', () => {
  const letters = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZäöüßéñжщя日本語'.normalize('NFC')]
  const part = () =>
    `${Array.from({ length: randomInt(3, 9) }, () => pick(letters)).join('')}q${pick(['', '7', '2024'])}x`
  for (let run = 0; run < 1_000; run++) {
    const parts = Array.from({ length: randomInt(1, 4) }, part)
    const path = `${pick(['', 'INBOX.', 'INBOX/', '[Gmail]/'])}${parts.join(pick([' ', '/', '.', ' & ', '-', '_', "'s ", ' (', ']']))}`
    const wire = pick([path, utf7(path)])
    const quoted = `"${wire}"`
    const written = pick([wire, quoted, `'${wire}'`, `<${wire}>`, `(${wire})`, `${wire}:`])
    // A truncated form of it.
    const cut = `"${wire.slice(0, -1)}`
    const lines = [
      `A1 OK [READ-WRITE] ${written} selected. (Success)`,
      `A1 OK ${written} selected`,
      `A2 NO [NONEXISTENT] Unknown Mailbox: ${written} (now in authenticated state) (Failure)`,
      `A3 NO Mailbox doesn't exist: ${written} (0.001 + 0.000 secs).`,
      `A4 BAD Error in IMAP command SELECT: ${written}`,
      `A5 NO [NEWNAME ${wire} ${quoted}] ${written}`,
      `* NO ${written} is locked`,
      `* OK [ALERT] ${written} is full`,
      `* OK [PERMANENTFLAGS (\\Answered ${parts[0]} \\*)] Flags permitted.`,
      `* FLAGS (\\Seen ${parts[0]})`,
      `* BYE ${written}`,
      `* LIST (\\HasNoChildren) "/" ${pick([quoted, wire])}`,
      `* LSUB () "." ${pick([quoted, wire])}`,
      `* XLIST (\\HasNoChildren) "/" ${cut}`,
      `* STATUS ${pick([quoted, wire])} (MESSAGES 1 UNSEEN 0)`,
      `* QUOTAROOT ${pick([quoted, wire])} ""`,
      `* QUOTA ${pick([quoted, wire])} (STORAGE 1 2)`,
      `* NAMESPACE (("" "/")) ((${quoted} "/")) NIL`,
      `* METADATA ${quoted} (/private/comment)`,
      `* ${wire}`,
      wire,
    ]
    const asked = [`B1 SELECT ${pick([quoted, wire])} (CONDSTORE)`, `B2 LIST "" ${quoted}`, `B3 SELECT ${cut}`]
    const spoken = (from: 'client' | 'server') => (text: string) => ({
      ...{ at: '2026-11-29T09:00:00.000Z', part: 'imap' as const, connection: 1, from, text, count: 1 },
    })
    const isAsked = randomInt(2) === 1
    const diagnosis: Diagnosis = {
      ...{ account_id: 'a', made_at: '2026-11-29T09:00:00.000Z', duration_ms: 5, state: 'failed', verdict: 'No.' },
      advice: [],
      checks: [
        {
          ...{ id: 'state', part: 'account', state: 'failed', ms: 1, words: 'The account is not connected.' },
          details: [{ name: 'The server said', value: lines[3]! }],
        },
      ],
      lines: [...(isAsked ? asked.map(spoken('client')) : []), ...lines.map(spoken('server'))],
    }
    const account = {
      ...{ name: 'Ann', email: 'ann@example.org', smtp: null, watched_folders: [] },
      imap: { host: 'imap.example.org', user: 'ann' },
    }
    const report = maskedReport(diagnosis, account, { version: '0.1.0', facts: [] }).toLowerCase()
    for (const secret of parts.flatMap(name => [name, utf7(name), name.slice(0, -1)])) {
      expect(report.includes(secret.toLowerCase()), `${secret} of ${path} in:\n${report}`).toBe(false)
    }
  }
})

test('of conversations the words of the protocol stay', () => {
  const masker = new Masker({ names: [], users: ['ann@smith.org'], hosts: ['imap.smith.org'], folders: [] })
  for (const line of [
    '* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE AUTH=PLAIN] Dovecot ready.',
    '* OK [PERMANENTFLAGS (\\Answered \\Seen $Forwarded \\*)] Flags permitted.',
    '* OK [UIDVALIDITY 1732867200] UIDs valid',
    '* NO [OVERQUOTA] Quota exceeded',
    'A1 NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)',
    'A2 OK [READ-WRITE] Select completed',
    '* LIST (\\HasNoChildren \\Sent) "/" "Sent"',
    '* STATUS INBOX (MESSAGES 3 UIDNEXT 4 UNSEEN 0)',
    '* 3 EXISTS',
    '* FETCH …',
    '+ …',
  ]) {
    expect(masker.line('server', line)).toBe(line.replace('UIDs valid', '…'))
  }
  for (const line of [
    'A1 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)',
    'A2 LIST "" "*" RETURN (SPECIAL-USE STATUS (MESSAGES))',
    'A3 UID STORE 1:2 +FLAGS.SILENT (\\Seen)',
    'A4 ID …',
  ]) {
    expect(masker.line('client', line)).toBe(line)
  }
  expect(masker.line('client', 'A5 COPY 1:2 M&APw-ll')).toBe('A5 COPY 1:2 folder1')
  expect(masker.line('server', 'A5 OK [COPYUID 7 1:2 5:6] "Müll" completed')).toMatch(
    /^A5 OK \[COPYUID 7 1:2 5:6\] … completed$/,
  )
  expect(masker.line('server', '* QUOTAROOT Müll ""')).toBe('* QUOTAROOT folder1 ""')
})

test('the same is called the same, and what is public stays readable', () => {
  const masker = new Masker({
    names: ['Ann'],
    users: ['ann@smith.org'],
    hosts: ['imap.smith.org'],
    folders: ['Letters'],
  })
  expect(masker.text('ann@smith.org at imap.smith.org, bob@smith.org, ann@gmail.com')).toBe(
    'user1@domain1.example at imap.domain1.example, user2@domain1.example, user1@gmail.com',
  )
  expect(masker.text('imap.gmail.com and 127.0.0.1, 10.0.0.1, 8.8.8.8, 10.0.0.1, ::1')).toBe(
    'imap.gmail.com and 127.0.0.1, private-ip1, ip1, private-ip1, ::1',
  )
  expect(masker.line('client', 'A1 SELECT INBOX')).toBe('A1 SELECT INBOX')
  expect(masker.line('client', 'A2 UID FETCH 1:* (UID FLAGS)')).toBe('A2 UID FETCH 1:* (UID FLAGS)')
  expect(masker.line('server', '* CAPABILITY IMAP4rev1 IDLE AUTH=SCRAM-SHA-256')).toContain(
    'IMAP4rev1 IDLE AUTH=SCRAM-SHA-256',
  )
  expect(masker.words('session gl7xk2m9q1w8e5 for 2026-11-29T09:00:00.000Z TLS_AES_256_GCM_SHA384')).toContain('[id]')
  expect(hintsFor('imap.gmail.com', 'imap')[0]).toContain('app password')
  expect(hintsFor('mail.smith.org', 'imap')).toEqual([])
  expect(hintsFor('imap.mail.me.com', 'imap').join()).toContain('before the @')
  // Its SMTP server wants the whole address.
  expect(hintsFor('smtp.mail.me.com', 'smtp').join()).toMatch(/^iCloud((?!before the @).)*$/)
})
