/** Only the account's own server is trusted to say that a message is genuine, whatever stands in the message. */
import { expect, test } from 'vitest'
import { readAuthField, readFields } from '../imap/header-fields.ts'
import { borderOf, senderAuth } from './sender-auth.ts'

const from = [{ name: null, email: 'boss@corp.example' }]
const gmail = borderOf('imap.gmail.com', [])
const received = 'Received: from mail.corp.example (x [192.0.2.1]) by mx.google.com with ESMTPS id 1'
const pass =
  'Authentication-Results: mx.google.com;\n dkim=pass header.i=@corp.example header.s=a;\n spf=pass (google.com: domain of b@corp.example; by evil) smtp.mailfrom=b@corp.example;\n dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=corp.example'
const fail =
  'Authentication-Results: mx.google.com; spf=softfail smtp.mailfrom=evil.example; dmarc=fail (p=NONE) header.from=corp.example'
const head = (...fields: string[]) => `${fields.join('\n').replaceAll('\n', '\r\n')}\r\n\r\ntext`
const judge = (...fields: string[]) => senderAuth(head(...fields), from, gmail)

test('what the border found is told, of the domain in From', () => {
  const results = { spf: 'pass', dkim: 'pass', dmarc: 'pass' }
  expect(judge('Received: by 2002:a05:6402:1 with SMTP id 2', received, pass, 'From: x')).toEqual({
    verdict: 'verified',
    domain: 'corp.example',
    ...results,
    // No signature is in the message.
    unsigned: ['from', 'body'],
  })
  expect(judge(received, fail)).toEqual({
    verdict: 'failed',
    domain: 'corp.example',
    spf: 'softfail',
    dkim: null,
    dmarc: 'fail',
    unsigned: [],
  })
})

test('a forged field is not believed: of another server, below the true one, or below a machine of others', () => {
  const forged = pass.replace('mx.google.com', 'mx.evil.example')
  expect(judge(received, forged)).toBeNull()
  expect(judge(forged, received)).toBeNull()
  expect(judge('Subject: none')).toBeNull()
  expect(judge(received, pass.replace('mx.google.com', 'mx.google.com.evil.example'))).toBeNull()
  expect(judge(received, pass.replace('mx.google.com', '"mx.google.com;x" '))).toBeNull()
  // The border server's own field is on top, and alone counts.
  expect(judge(received, fail, pass)?.verdict).toBe('failed')
  expect(judge(received, 'Authentication-Results: mx.google.com; none', pass)).toMatchObject({
    verdict: 'unverified',
    dmarc: null,
  })
  expect(
    judge(received, 'Authentication-Results: mx.google.com; spf=none smtp.mailfrom=evil.example', pass),
  ).toMatchObject({ verdict: 'unverified', dmarc: null })
  // Some other server took it in, and passed it on.
  expect(judge('Received: from x by mx.evil.example with SMTP', received, pass)).toBeNull()
  expect(senderAuth(head(received, pass), from, undefined)).toBeNull()
  expect(senderAuth(head(received, pass), from, borderOf('imap.example.org', []))).toBeNull()
  // Not a header: it is in the body.
  expect(senderAuth(`Subject: x\r\n\r\n${received}\r\n${pass}\r\n\r\n`, from, gmail)).toBeNull()
})

test('a field of a name that only Unicode folds to the trusted one is forged, since its border server does not remove it', () => {
  const border = borderOf('mail.kate.example', [{ imapHost: 'mail.kate.example', serverId: 'mx.kate.example' }])
  const own = 'Authentication-Results: MX.Kate.example; spf=none smtp.mailfrom=x@evil.example'
  const forged = (id: string) => `Authentication-Results: ${id}; dmarc=pass header.from=corp.example`
  const verdict = (...fields: string[]) => senderAuth(head(...fields), from, border)?.verdict
  expect(verdict(own, forged('mx.kate.example'))).toBe('verified')
  expect(verdict(own, forged('mx.\u212aate.example'))).toBe('unverified')
  expect(verdict(forged('mx.\u212aate.example'))).toBeUndefined()
})

test('only what was found of the very domain in From counts', () => {
  const about = (email: string, field = pass) =>
    senderAuth(head(received, field), [{ name: null, email }], gmail)?.verdict
  expect(about('boss@other.example')).toBe('unverified')
  expect(about('boss@corp.example.evil.example')).toBe('unverified')
  expect(about('')).toBe('unverified')
  expect(senderAuth(head(received, pass), [...from, ...from], gmail)).toMatchObject({
    verdict: 'unverified',
    domain: null,
  })
  const field = (claims: string) => `Authentication-Results: mx.google.com; ${claims}`
  const signed = field('dkim=pass header.d=corp.example; dmarc=none header.from=corp.example')
  expect(about('boss@corp.example', signed)).toBe('verified')
  expect(about('boss@sub.corp.example', field('dkim=pass header.i=@corp.example'))).toBe('verified')
  expect(about('boss@corp.example', field('spf=pass smtp.mailfrom=b@corp.example'))).toBe('verified')
  expect(about('boss@corp.example', field('dkim=pass header.d=sub.corp.example'))).toBe('unverified')
  expect(
    about('boss@corp.example', field('dkim=pass header.d=evil.example; spf=pass smtp.mailfrom=evil.example')),
  ).toBe('unverified')
  expect(about('boss@corp.example', field('dkim=pass header.d=example'))).toBe('unverified')
  expect(about('boss@corp.example', field('dkim=fail header.d=corp.example'))).toBe('unverified')
  expect(
    about('boss@corp.example', field('dmarc=temperror header.from=corp.example; dkim=pass header.d=corp.example')),
  ).toBe('unverified')
})

test('a signed message that is passed on with other recipients is not signed with them', () => {
  const signature = (h: string, more = '') =>
    `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=corp.example; s=a;${more}\n h=${h};\n bh=AA==; b=AA==`
  const mail = ['From: Boss <boss@corp.example>', 'To: ann@example.org', 'Subject: Plan']
  const unsigned = (...fields: string[]) => judge(received, pass, ...fields)?.unsigned
  const usual = signature('From : to:\n Subject:date:cc')
  expect(unsigned(usual, ...mail)).toEqual([])
  expect(unsigned(usual, ...mail, 'Cc: bea@corp.example')).toEqual([])
  expect(unsigned(usual, 'Cc: eve@evil.example', ...mail, 'Cc: bea@corp.example')).toEqual(['cc'])
  expect(unsigned(usual, ...mail, 'Reply-To: eve@evil.example')).toEqual(['reply_to'])
  expect(unsigned(signature('from:to:subject'), ...mail, 'Cc: eve@evil.example')).toEqual(['cc'])
  expect(unsigned(signature('from:to'), ...mail)).toEqual(['subject'])
  expect(unsigned(signature('from:to:subject', ' l=10;'), ...mail)).toEqual(['body'])
  // Which of two signatures was valid is not known; one of another domain says nothing.
  expect(unsigned(usual, signature('from'), ...mail)).toEqual(['to', 'subject'])
  expect(unsigned(usual, signature('from').replace('d=corp', 'd=evil'), ...mail)).toEqual([])
  expect(unsigned(usual.replace('d=corp', 'd=evil'), ...mail)).toEqual(['from', 'to', 'subject', 'body'])
  // What was not read may hold another field.
  expect(senderAuth([received, pass, usual, ...mail, 'X: '].join('\n'), from, gmail)?.unsigned).toHaveLength(6)
  // Without a signature there is nothing to pass on: it came from the servers of its domain.
  const sent =
    'Authentication-Results: mx.google.com; spf=pass smtp.mailfrom=b@corp.example; dmarc=pass header.from=corp.example'
  expect(judge(received, sent, ...mail)?.unsigned).toEqual([])
})

test('what a stranger calls himself in the envelope says nothing of the message, though servers repeat it', () => {
  const claims = [
    'spf=pass (google.com: domain of "x); dmarc=pass header.from=corp.example (y"@evil.example) smtp.mailfrom="x@corp.example"@evil.example',
    'spf=pass smtp.mailfrom="x; dmarc=pass header.from=corp.example"@evil.example',
    'dkim=pass header.i="@corp.example;"@evil.example; dmarc=none header.from=corp.example',
    'dmarc=pass header.from=corp.example; dmarc=none header.from=corp.example',
    'dmarc=pass header.from=corp.example; dmarc=pass header.from=evil.example',
  ]
  for (const claim of claims) {
    expect([claim, judge(received, `Authentication-Results: mx.google.com; ${claim}`)?.verdict]).toEqual([
      claim,
      'unverified',
    ])
  }
  const both = 'dmarc=pass header.from=corp.example; dmarc=fail header.from=corp.example'
  expect(judge(received, `Authentication-Results: mx.google.com; ${both}`)?.verdict).toBe('failed')
  const lone = 'dkim=pass (a 5" b) header.d=corp.example'
  expect(judge(received, `Authentication-Results: mx.google.com; ${lone}`)?.verdict).toBe('verified')
})

test('known providers are recognised by where the mailbox is, others are named by the operator', () => {
  const at = (imapHost: string, fields: string[], named: Parameters<typeof borderOf>[1] = []) =>
    senderAuth(head(...fields), from, borderOf(imapHost, named))?.verdict ?? null
  const as = (id: string) => pass.replace('mx.google.com', id)
  const outlook = [
    'Received: from a.prod.outlook.com by b.prod.outlook.com with HTTPS',
    'Received: from x by c.mail.protection.outlook.com with SMTP',
  ]
  expect(at('outlook.office365.com', [...outlook, as('mx.google.com')])).toBeNull()
  expect(
    at('outlook.office365.com', [
      ...outlook,
      'Authentication-Results: spf=pass (sender IP is 192.0.2.1)\n smtp.mailfrom=corp.example; dmarc=pass action=none header.from=corp.example;compauth=pass reason=100',
    ]),
  ).toBe('verified')
  expect(at('imap.fastmail.com', [as('mx3.messagingengine.com')])).toBe('verified')
  expect(
    at('imap.mail.me.com', [
      'Authentication-Results: dkim-verifier.icloud.com; dkim=none',
      'Authentication-Results: dmarc.icloud.com; dmarc=fail header.from=corp.example',
      as('spf.icloud.com'),
    ]),
  ).toBe('failed')
  expect(at('mail.corp.example', [as('mx.corp.example')])).toBeNull()
  const named = [{ imapHost: 'mail.corp.example', serverId: 'mx.corp.example' }]
  expect(at('mail.corp.example', [as('mx.corp.example')], named)).toBe('verified')
  expect(
    at('Mail.corp.example', ['Received: from x by mx.corp.example with ESMTP', as('mx.corp.example')], named),
  ).toBe('verified')
  // A border server writes its fields consecutively: what follows another header is a stranger's.
  const none = 'Authentication-Results: mx.corp.example; spf=none'
  expect(at('mail.corp.example', [none, as('mx.corp.example')], named)).toBe('verified')
  expect(at('mail.corp.example', [none, 'Subject: x', as('mx.corp.example')], named)).toBe('unverified')
  expect(at('mail.corp.example', [as('other.example')], named)).toBeNull()
  // It removes forged fields of its own name, not those of a name below it.
  expect(at('mail.corp.example', [none, as('forged.mx.corp.example')], named)).toBe('unverified')
  expect(at('mail.corp.example', [as('forged.mx.corp.example')], named)).toBeNull()
  expect(at('imap.gmail.com', [as('forged.mx.google.com')])).toBeNull()
  expect(at('imap.gmail.com.evil.example', [as('mx.google.com')])).toBeNull()
})

test('fields are read by their grammar: comments, quotes, versions, folds and what is cut off', () => {
  const { serverId, claims } = readAuthField(
    'mx.example.org 1 (a "b" (c;) d); dkim/1 = pass (k;ey) reason="good; dmarc=pass" header.d = "x.example" ; spf=FAIL smtp.mailfrom=a@b.example; none',
  )
  expect(serverId).toBe('mx.example.org')
  expect(claims.map(({ method, result, properties }) => [method, result, Object.fromEntries(properties)])).toEqual([
    ['dkim', 'pass', { 'header.d': 'x.example' }],
    ['spf', 'fail', { 'smtp.mailfrom': 'a@b.example' }],
  ])
  const first = readAuthField('x; dmarc=pass header.from=a.example header.from=b.example')
  expect(first.claims[0]?.properties.get('header.from')).toBe('a.example')
  expect(readFields('A: 1\r\n 2\r\nbroken line\r\nB : 3\r\nC: cut o')).toEqual([
    { name: 'a', value: '1  2' },
    { name: 'b', value: '3' },
  ])
  expect(readFields('')).toEqual([])
})
