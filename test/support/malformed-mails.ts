/** Messages as broken programs and attackers send them, small enough to compare with another parser. */

/** Converts characters to bytes, and line ends to CRLF. */
const bytes = (source: string) => Buffer.from(source.replaceAll(/\r?\n/g, '\r\n'), 'latin1')
/** Returns the UTF-8 bytes of a text as Latin-1 characters. */
const utf8 = (text: string) => Buffer.from(text, 'utf8').toString('latin1')
const head = (subject: string, ...others: string[]) =>
  ['From: Bob <bob@test.local>', 'To: alice@test.local', `Subject: ${subject}`, 'MIME-Version: 1.0', ...others].join(
    '\n',
  )
const titled = (subject: string) => bytes(`${head(subject)}\n\nwords\n`)
const from = (value: string) => bytes(`From: ${value}\nTo: alice@test.local\nSubject: sender\n\nwords\n`)
const body = (type: string, encoding: string, content: string) =>
  bytes(`${head('body', `Content-Type: ${type}`, `Content-Transfer-Encoding: ${encoding}`)}\n\n${content}`)
const mixed = (...parts: string[]) =>
  bytes(
    `${head('parts', 'Content-Type: multipart/mixed; boundary="b"')}\n\n${parts.map(part => `--b\n${part}\n`).join('')}--b--\n`,
  )
const plain = 'Content-Type: text/plain; charset=utf-8\n\nwords'
const named = (disposition: string, type = 'application/octet-stream') =>
  mixed(plain, `Content-Type: ${type}\nContent-Disposition: attachment${disposition}\n\nabc`)
const base64 = (content: Buffer | string) => Buffer.from(content).toString('base64')

export const malformedMails: Readonly<Record<string, Buffer>> = {
  // Headers in other character sets (RFC 2047), correct and as found in the wild.
  'a subject in quoted-printable': titled('=?utf-8?Q?caf=C3=A9_au_lait?='),
  'a subject in base64': titled(`=?UTF-8?B?${base64('Grüße aus Köln')}?=`),
  'a character cut in two between two words': titled('=?utf-8?Q?Gr=C3?= =?utf-8?Q?=BC=C3=9Fe?='),
  'words of two character sets': titled('=?iso-8859-1?Q?caf=E9?= =?koi8-r?B?8NLJ18XU?='),
  'a folded subject of several words': titled('=?utf-8?Q?one_?=\n =?utf-8?Q?two_?=\n\t=?utf-8?Q?three?='),
  'a word with a language': titled('=?utf-8*de?Q?Gr=C3=BC=C3=9Fe?='),
  'a subject in ISO-2022-JP': titled('=?ISO-2022-JP?B?GyRCRnxLXDhsGyhC?='),
  'a subject in GB 2312': titled('=?gb2312?B?1tDOxLHqzOI=?='),
  'a subject in windows-1251': titled('=?windows-1251?Q?=CF=F0=E8=E2=E5=F2?='),
  'plain words beside an encoded one': titled('Re: =?utf-8?Q?caf=C3=A9?= and tea'),
  'a word that is not closed': titled('=?utf-8?Q?never closed'),
  'a word of no encoding': titled('=?utf-8?X?what?='),
  'bytes of UTF-8 in a subject': titled(utf8('Grüße 文書')),
  'a subject with script': titled('<script>alert(1)</script>'),
  'a subject that turns words round': titled(`=?utf-8?B?${base64('invoice \u202efdp.exe')}?=`),
  'an empty subject': titled(''),
  'no subject': bytes('From: Bob <bob@test.local>\n\nwords\n'),
  'a subject of spaces and tabs, folded': titled('one\n \t two\n  three'),
  'a sender with a name in quotes': from('"Doe, John" <john@test.local>'),
  'a sender with an encoded name': from(`=?utf-8?B?${base64('Jürgen Müller')}?= <j@test.local>`),
  'a sender with a comment': from('john@test.local (John Doe)'),
  'a sender without brackets': from('john@test.local'),
  'several senders': from('Ann <ann@test.local>, Ben <ben@test.local>'),
  'a group of senders': from('Friends: ann@test.local, Ben <ben@test.local>;'),
  'a sender without a domain': from('John <john>'),
  'a sender with an address in the name': from('"boss@bank.example" <eve@evil.example>'),
  'a sender in bytes of UTF-8': from(utf8('Jürgen <j@test.local>')),
  'an encoded name in quotes': from('"=?utf-8?Q?J=C3=BCrgen?=" <j@test.local>'),
  'lines in the headers that are none': bytes(
    'From: Bob <bob@test.local>\nthis is no header\nSubject: after it\n\nwords\n',
  ),
  'a blank before the colon': bytes('From : Bob <bob@test.local>\nSubject : spaced\n\nwords\n'),
  'a header in capitals': bytes('FROM: Bob <bob@test.local>\nSUBJECT: loud\n\nwords\n'),
  'a NUL in the subject': titled('one\u0000two'),
  'headers alone': bytes('From: Bob <bob@test.local>\nSubject: alone\n'),

  // File names (RFC 2231), and what is sent instead of them.
  'a name in pieces': named(';\n filename*0=one;\n filename*1=two.txt'),
  'a name in percents': named("; filename*=utf-8''Gr%C3%BC%C3%9Fe.txt"),
  'a name in pieces and percents': named(";\n filename*0*=utf-8''Gr%C3%BC;\n filename*1*=%C3%9Fe;\n filename*2=.txt"),
  'a name in both forms': named(`; filename="plain.txt"; filename*=utf-8''b%C3%A4r.txt`),
  'a name as an encoded word': named(`; filename="=?utf-8?B?${base64('bär.txt')}?="`),
  'a name in bytes of UTF-8': named(`; filename="${utf8('bär.txt')}"`),
  'a name in the type alone': mixed(plain, 'Content-Type: application/pdf; name="plan.pdf"\n\nabc'),
  'a name without quotes': named('; filename=plan.pdf'),
  'a name with quotes in it': named('; filename="a \\"b\\" c.txt"'),
  'a name with a semicolon': named('; filename="a;b.txt"'),
  'a name that is a path': named('; filename="../../../etc/passwd"'),
  'a name of another system': named('; filename="C:\\\\Windows\\\\system32\\\\x.dll"'),
  'a name that turns letters round': named(`; filename*=utf-8''invoice%E2%80%AEfdp.exe`),
  'a name with script': named('; filename="<img src=x onerror=alert(1)>.txt"'),
  'a name with a NUL in percents': named("; filename*=utf-8''a%00b.txt"),
  'a name of an unknown character set': named("; filename*=x-none''a%C3%A4.txt"),
  'pieces of a name out of order': named(';\n filename*1=two.txt;\n filename*0=one'),
  'a pictures name that is empty': named('; filename=""', 'image/png'),

  // Text whose character set is unknown, missing or wrong.
  'text in UTF-8': body('text/plain; charset=utf-8', '8bit', utf8('Grüße 文書\n')),
  'text in Latin 1': body('text/plain; charset=iso-8859-1', '8bit', 'caf\u00e9\n'),
  'text in windows-1252': body('text/plain; charset=windows-1252', '8bit', 'caf\u00e9 \u0093quoted\u0094\n'),
  'text in KOI8-R': body('text/plain; charset=koi8-r', '8bit', '\u00f0\u00d2\u00c9\u00d7\u00c5\u00d4\n'),
  'text in ISO-2022-JP': body('text/plain; charset=iso-2022-jp', '7bit', '\u001b$BF|K\\8l\u001b(B\n'),
  'text in Shift JIS': body('text/plain; charset=shift_jis', '8bit', '\u0093\u00fa\u0096\u007b\u008c\u00ea\n'),
  'text in EUC-KR': body('text/plain; charset=euc-kr', '8bit', '\u00c7\u00d1\u00b1\u00db\n'),
  'text in Big5': body('text/plain; charset=big5', '8bit', '\u00a4\u00a4\u00a4\u00e5\n'),
  'text in GB 18030': body('text/plain; charset=gb18030', '8bit', '\u00d6\u00d0\u00ce\u00c4\n'),
  'text in UTF-16': body('text/plain; charset=utf-16', 'base64', base64(Buffer.from('\ufeffhello', 'utf16le'))),
  'text in UTF-7': body('text/plain; charset=utf-7', '7bit', 'caf+AOk-\n'),
  'text of an unknown character set': body('text/plain; charset=x-none', '8bit', 'plain words\n'),
  'text of no character set': body('text/plain', '7bit', 'plain words\n'),
  'text that is no UTF-8': body('text/plain; charset=utf-8', '8bit', 'caf\u00e9 au lait\n'),
  'a character set in quotes and capitals': body('TEXT/PLAIN; CHARSET="UTF-8"', '8BIT', utf8('Grüße\n')),
  'a text with NULs': body('text/plain; charset=utf-8', '8bit', 'one\u0000two\n'),

  // Transfer encodings.
  'base64 with junk in it': body('text/plain; charset=utf-8', 'base64', 'aGVs\n!!bG8g\n d29ybGQ=\n'),
  'base64 without its padding': body('text/plain; charset=utf-8', 'base64', 'aGVsbG8'),
  'base64 in one line': body('text/plain; charset=utf-8', 'base64', base64('words '.repeat(500))),
  'quoted-printable': body('text/plain; charset=utf-8', 'quoted-printable', 'caf=C3=A9 au=\n lait\n'),
  'quoted-printable in small letters': body('text/plain; charset=utf-8', 'quoted-printable', 'caf=c3=a9\n'),
  'quoted-printable that is none': body('text/plain; charset=utf-8', 'quoted-printable', '100% = all, =ZZ and =\n'),
  'an encoding in capitals': body('text/plain; charset=utf-8', 'BASE64', base64('words')),
  'an encoding that nobody knows': body('text/plain; charset=utf-8', 'x-odd', 'plain words\n'),

  // Parts and their boundaries.
  'no last boundary': bytes(`${head('open', 'Content-Type: multipart/mixed; boundary=b')}\n\n--b\n${plain}\n`),
  'words before and behind the parts': bytes(
    `${head('around', 'Content-Type: multipart/mixed; boundary=b')}\n\nbefore\n--b\n${plain}\n--b--\nbehind\n`,
  ),
  'a boundary that is the beginning of another': bytes(
    `${head('prefix', 'Content-Type: multipart/mixed; boundary=b')}\n\n--b\nContent-Type: multipart/alternative; boundary=bb\n\n--bb\n${plain}\n--bb--\n--b--\n`,
  ),
  'a boundary with blanks behind it': bytes(
    `${head('blanks', 'Content-Type: multipart/mixed; boundary=b')}\n\n--b  \n${plain}\n--b--  \n`,
  ),
  'a boundary with signs': bytes(
    `${head('signs', 'Content-Type: multipart/mixed; boundary="=_(a)+b.c:d?/"')}\n\n--=_(a)+b.c:d?/\n${plain}\n--=_(a)+b.c:d?/--\n`,
  ),
  'a part without headers': mixed('\nwords'),
  'parts in parts': mixed(
    `Content-Type: multipart/alternative; boundary=c\n\n--c\n${plain}\n--c\nContent-Type: text/html\n\n<p>words<script>alert(1)</script>\n--c--`,
    'Content-Type: image/png; name=a.png\nContent-Transfer-Encoding: base64\n\naGVsbG8=',
  ),
  'HTML alone, with script everywhere': body(
    'text/html; charset=utf-8',
    '8bit',
    '<script>alert(1)</script><p onclick="alert(2)">words<a href="javascript:alert(3)">x</a><img src=x onerror=alert(4)><svg onload=alert(5)><iframe srcdoc="<script>alert(6)</script>"></iframe><form action="https://evil.example"><input></form><style>@import "https://evil.example/x.css"; p{background:url(https://evil.example/y)}</style><meta http-equiv=refresh content="0;url=https://evil.example">\n',
  ),
  'an attached message': mixed(
    plain,
    'Content-Type: message/rfc822\n\nFrom: Eve <eve@evil.example>\nSubject: inner\n\ninner words',
  ),
  'two types of one part': mixed('Content-Type: text/plain\nContent-Type: text/html\n\nwords'),
  'lines that flow': body('text/plain; charset=utf-8; format=flowed', '7bit', 'one \ntwo\n\n> quoted \n> words\n'),
  'lines that flow, with blanks that are none': body(
    'text/plain; charset=utf-8; format=flowed; delsp=yes',
    '7bit',
    'one \ntwo\n',
  ),
}
