/** Messages as mail programs and mailing lists build them, and what a reader must get from each. */
import { attached, file, html, leaf, type Mime, multipart, text } from './mime.ts'
import { tnefFiles } from './tnef-files.ts'

export interface StructuredMail {
  root: Mime
  text: string | null
  from: 'text' | 'html' | 'both' | null
  /** Fragments of the HTML, in order; null if there is none. */
  html: string[] | null
  /** Part numbers with their types. */
  attachments: string[]
  faults?: string[]
}

const related = (body: Mime, ...others: Mime[]) => multipart('related', [body, ...others])
const either = (...parts: Mime[]) => multipart('alternative', parts)
const mixed = (...parts: Mime[]) => multipart('mixed', parts)
const png = leaf('image/png', 'png')
const photo = leaf('image/jpeg', 'jpeg', { fileName: 'photo.jpg' })
const logo = leaf('image/png', 'png', { contentId: 'logo@x' })
const pdf = file('application/pdf', 'plan.pdf')
const footer = text('_____\nlist@example.org', {})
const inner = { subject: 'inside', from: { name: 'Eve', email: 'eve@evil.example' }, root: text('inner words') }
const long = 'We have a great deal to tell you about the harvest, the weather and the price of tea this year.'
const latin1 = { parameters: { charset: 'iso-8859-1' }, encoding: 'raw' as const }
const flowed = (parameters: Record<string, string> = {}) => ({
  parameters: { charset: 'utf-8', format: 'flowed', ...parameters },
})

export const structuredMails: Record<string, StructuredMail> = {
  'plain text alone': { root: text('hello'), text: 'hello', from: 'text', html: null, attachments: [] },
  'HTML alone': { root: html('<p>hello</p>'), text: 'hello', from: 'html', html: ['<p>hello</p>'], attachments: [] },
  'a PDF alone': { root: pdf, text: null, from: null, html: null, attachments: ['1 application/pdf'] },
  'a picture alone': { root: png, text: null, from: null, html: [], attachments: ['1 image/png'] },
  'text and HTML': {
    root: either(text('hello'), html('<p>hello')),
    text: 'hello',
    from: 'text',
    html: ['<p>hello'],
    attachments: [],
  },
  'HTML with a plain footer of a mailing list': {
    root: mixed(html('<p>meeting Friday</p>'), footer),
    text: 'meeting Friday\n\n_____\nlist@example.org',
    from: 'both',
    html: ['<p>meeting Friday</p>', '_____\nlist@example.org'],
    attachments: [],
  },
  'a plain text with an HTML footer': {
    root: mixed(text('the words'), html('<p>unsubscribe</p>')),
    text: 'the words\n\nunsubscribe',
    from: 'both',
    html: ['the words', '<p>unsubscribe</p>'],
    attachments: [],
  },
  'both kinds with a plain footer': {
    root: mixed(either(text('words'), html('<p>words')), footer),
    text: 'words\n\n_____\nlist@example.org',
    from: 'text',
    html: ['<p>words', '_____\nlist@example.org'],
    attachments: [],
  },
  'text, picture, text (Apple Mail)': {
    root: mixed(text('first'), photo, text('second')),
    text: 'first\n\nsecond',
    from: 'text',
    html: ['first', 'second'],
    attachments: ['2 image/jpeg'],
  },
  'text, PDF, text': {
    root: mixed(text('first'), pdf, text('second')),
    text: 'first\n\nsecond',
    from: 'text',
    html: null,
    attachments: ['2 application/pdf'],
  },
  'an alternative with HTML, PDF and HTML in it (Apple Mail)': {
    root: either(text('one two'), mixed(html('<p>one'), pdf, html('<p>two'))),
    text: 'one two',
    from: 'text',
    html: ['<p>one', '<p>two'],
    attachments: ['2.2 application/pdf'],
  },
  'an alternative with related HTML (Apple Mail, Outlook)': {
    root: either(text('hello'), related(html('<p>hello<img src="cid:logo@x">'), logo)),
    text: 'hello',
    from: 'text',
    html: ['cid:logo@x'],
    attachments: ['2.2 image/png'],
  },
  'related around an alternative, with a file (Thunderbird, Gmail)': {
    root: mixed(related(either(text('hello'), html('<p>hello')), logo), pdf),
    text: 'hello',
    from: 'text',
    html: ['<p>hello'],
    attachments: ['1.2 image/png', '2 application/pdf'],
  },
  'the example of RFC 8621': {
    root: mixed(
      text('A'),
      mixed(
        either(mixed(text('B'), photo, text('D')), related(html('<p>E'), photo)),
        photo,
        leaf('application/x-excel', 'G', { disposition: 'attachment' }),
        attached(inner),
      ),
      text('K'),
    ),
    text: 'A\n\nB\n\nD\n\nK',
    from: 'text',
    html: ['A', '<p>E', 'K'],
    attachments: [
      '2.1.1.2 image/jpeg',
      '2.1.2.2 image/jpeg',
      '2.2 image/jpeg',
      '2.3 application/x-excel',
      '2.4 message/rfc822',
    ],
  },
  'related whose root comes last and is named by start': {
    root: multipart('related', [logo, html('<p>hello', { contentId: 'root@x' })], { start: '<root@x>' }),
    text: 'hello',
    from: 'html',
    html: ['<p>hello'],
    attachments: ['1 image/png'],
  },
  'a text file beside the text': {
    root: mixed(text('hello'), text('a,b', { fileName: 'notes.txt' })),
    text: 'hello',
    from: 'text',
    html: null,
    attachments: ['2 text/plain'],
  },
  'a named text that comes first': {
    root: mixed(text('hello', { fileName: 'body.txt' }), pdf),
    text: 'hello',
    from: 'text',
    html: null,
    attachments: ['2 application/pdf'],
  },
  'a text that is an attachment': {
    root: mixed(text('hello'), text('log', { disposition: 'attachment' })),
    text: 'hello',
    from: 'text',
    html: null,
    attachments: ['2 text/plain'],
  },
  'a stub beside rich HTML, in Czech': {
    root: either(text('Použijte prosím moderní poštovní program.'), html(`<p>${long}</p><p>${long}</p>`)),
    text: `${long}\n\n${long}`,
    from: 'html',
    html: [long],
    attachments: [],
  },
  'a stub beside rich HTML, in Japanese': {
    root: either(text('HTMLメールを表示してください。'), html(`<p>${long}</p>`)),
    text: long,
    from: 'html',
    html: [long],
    attachments: [],
  },
  'an empty text beside HTML': {
    root: either(text(' \n'), html('<p>hello')),
    text: 'hello',
    from: 'html',
    html: ['<p>hello'],
    attachments: [],
  },
  'a text that says more than its HTML': {
    root: either(text(long), html('<p>tea')),
    text: long,
    from: 'text',
    html: ['<p>tea'],
    attachments: [],
  },
  'an alternative of text alone': {
    root: either(text('hello')),
    text: 'hello',
    from: 'text',
    html: null,
    attachments: [],
  },
  'an alternative with an invitation': {
    root: either(
      text('come'),
      html('<p>come'),
      leaf('text/calendar', 'BEGIN:VCALENDAR', { parameters: { method: 'REQUEST' } }),
    ),
    text: 'come',
    from: 'text',
    html: ['<p>come'],
    attachments: ['3 text/calendar'],
  },
  'an alternative with AMP': {
    root: either(text('come'), leaf('text/x-amp-html', '<html amp4email>'), html('<p>come')),
    text: 'come',
    from: 'text',
    html: ['<p>come'],
    attachments: ['2 text/x-amp-html'],
  },
  'a forwarded message': {
    root: mixed(text('see below'), attached(inner)),
    text: 'see below',
    from: 'text',
    html: null,
    attachments: ['2 message/rfc822'],
  },
  'a message of nothing but another message': {
    root: mixed(attached(inner)),
    text: null,
    from: null,
    html: null,
    attachments: ['1 message/rfc822'],
  },
  'certified mail (PEC)': {
    root: multipart('signed', [
      mixed(
        either(text('Messaggio di posta certificata'), html('<p>Messaggio di posta certificata')),
        file('application/xml', 'daticert.xml', '<postacert/>'),
        attached(inner, { disposition: 'inline', fileName: 'postacert.eml' }),
      ),
      file('application/x-pkcs7-signature', 'smime.p7s'),
    ]),
    text: 'Messaggio di posta certificata',
    from: 'text',
    html: ['<p>Messaggio'],
    attachments: ['1.2 application/xml', '1.3 message/rfc822', '2 application/x-pkcs7-signature'],
  },
  'a bounce (DSN)': {
    root: multipart('report', [
      text('It could not be delivered.'),
      leaf('message/delivery-status', 'Reporting-MTA: dns; x\r\n\r\nAction: failed\r\n', { encoding: 'raw' }),
      attached(inner),
    ]),
    text: 'It could not be delivered.',
    from: 'text',
    html: null,
    attachments: ['2 message/delivery-status', '3 message/rfc822'],
  },
  'a bounce with headers alone': {
    root: multipart('report', [text('Failed.'), leaf('text/rfc822-headers', 'Subject: x\r\n', { encoding: 'raw' })]),
    text: 'Failed.',
    from: 'text',
    html: null,
    attachments: ['2 text/rfc822-headers'],
  },
  'a digest of a mailing list': {
    root: mixed(text('Topics'), multipart('digest', [attached(inner), attached(inner)]), footer),
    text: 'Topics\n\n_____\nlist@example.org',
    from: 'text',
    html: null,
    attachments: ['2.1 message/rfc822', '2.2 message/rfc822'],
  },
  'signed by OpenPGP': {
    root: multipart('signed', [text('hello'), leaf('application/pgp-signature', 'sig', { fileName: 'signature.asc' })]),
    text: 'hello',
    from: 'text',
    html: null,
    attachments: ['2 application/pgp-signature'],
  },
  'encrypted by OpenPGP': {
    root: multipart('encrypted', [
      leaf('application/pgp-encrypted', 'Version: 1'),
      leaf('application/octet-stream', 'secret'),
    ]),
    text: null,
    from: null,
    html: null,
    attachments: ['1 application/pgp-encrypted', '2 application/octet-stream'],
    faults: ['encrypted'],
  },
  'encrypted by S/MIME': {
    root: leaf('application/pkcs7-mime', 'secret', {
      parameters: { 'smime-type': 'enveloped-data', name: 'smime.p7m' },
    }),
    text: null,
    from: null,
    html: null,
    attachments: ['1 application/pkcs7-mime'],
    faults: ['encrypted'],
  },
  'winmail.dat': {
    root: mixed(text('hello'), leaf('application/ms-tnef', 'tnef', { fileName: 'winmail.dat' })),
    text: 'hello',
    from: 'text',
    html: null,
    attachments: ['2 application/ms-tnef'],
    faults: ['packed_for_outlook'],
  },
  'winmail.dat that can be unpacked': {
    root: mixed(text('hello'), file('application/ms-tnef', 'winmail.dat', tnefFiles['two files, one of them empty']!)),
    text: 'hello',
    from: 'text',
    html: null,
    attachments: ['2 application/ms-tnef', '2-1 application/octet-stream', '2-2 application/octet-stream'],
  },
  'nothing but winmail.dat, with HTML': {
    root: leaf('application/octet-stream', tnefFiles['an HTML body']!, { fileName: 'WINMAIL.DAT' }),
    text: 'Grüße aus der Datei',
    from: 'html',
    html: ['<p>Grüße aus der Datei</p>'],
    attachments: ['1 application/octet-stream', '1-1 application/octet-stream'],
  },
  'nothing but winmail.dat, with RTF': {
    root: leaf('application/vnd.ms-tnef', tnefFiles['a body in RTF']!),
    text: 'Hello\ncafé',
    from: 'text',
    html: null,
    attachments: ['1 application/vnd.ms-tnef'],
  },
  'lines that flow': {
    root: text('One paragraph \r\nin two lines.\r\n\r\n> a \r\n> quote\r\n-- \r\nBob', flowed()),
    text: 'One paragraph in two lines.\n\n> a quote\n-- \nBob',
    from: 'text',
    html: null,
    attachments: [],
  },
  'lines that flow without blanks': {
    root: text('長い \r\n文章', flowed({ delsp: 'yes' })),
    text: '長い文章',
    from: 'text',
    html: null,
    attachments: [],
  },
  'quoted-printable': {
    root: text('Grüße = viel', { encoding: 'quoted-printable' }),
    text: 'Grüße = viel',
    from: 'text',
    html: null,
    attachments: [],
  },
  'texts in two character sets': {
    root: mixed(text(Buffer.from('caf\xe9', 'latin1'), latin1), text('Tee')),
    text: 'café\n\nTee',
    from: 'text',
    html: null,
    attachments: [],
  },
  'HTML that says its character set itself': {
    root: html(Buffer.from('<meta charset="koi8-r"><p>\xde\xc1\xca', 'latin1'), { parameters: {}, encoding: 'raw' }),
    text: 'чай',
    from: 'html',
    html: ['чай'],
    attachments: [],
  },
  'HTML after HTML that leaves everything open': {
    root: mixed(html('<div><!-- never closed'), html('<p>still here')),
    text: 'still here',
    from: 'html',
    html: ['<p>still here'],
    attachments: [],
  },
  'an empty multipart': { root: mixed(text('')), text: '', from: 'text', html: null, attachments: [] },
  'a voice message': {
    root: mixed(text('Voice mail'), leaf('audio/wav', 'wav', { fileName: 'message.wav' })),
    text: 'Voice mail',
    from: 'text',
    html: null,
    attachments: ['2 audio/wav'],
  },
}
