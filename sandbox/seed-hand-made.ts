/**
 * Messages written byte by byte: raw 8-bit text, legacy charsets, format=flowed, no subject, a subject of four lines.
 */
import { pdf } from './seed-attachments.ts'
import { base64Lines, byHand, dateHeader, type Letter } from './seed-mail.ts'
import { owner } from './seed-people.ts'

const me = `${owner.name} <${owner.address}>`

export function handMade(ago: (days: number) => Date): Letter[] {
  const letter = (days: number, headers: readonly string[], body: string | Buffer, zone?: string): Letter => ({
    folder: 'INBOX',
    at: ago(days),
    mail: { bytes: byHand([dateHeader(ago(days), zone), `To: ${me}`, 'MIME-Version: 1.0', ...headers], body) },
  })
  const utf8 = 'Content-Type: text/plain; charset=utf-8'
  return [
    letter(
      2.7,
      [
        'From: Bjørn Aasen <bjorn@aasen-gard.example>',
        'Subject: Været på gården – målinger fra høsten',
        utf8,
        'Content-Transfer-Encoding: 8bit',
        'Message-ID: <8bit.1@aasen-gard.example>',
      ],
      'Hei Robin,\n\nalt virker som det skal. Høyeste vindkast: 31 m/s. Blåbærene er plukket.\n\nBjørn\n',
      '+0200',
    ),
    letter(
      6.4,
      [
        'From: Walter =?ISO-8859-1?Q?Nystr=F6m?= <walter.nystrom@example.com>',
        'Subject: =?ISO-8859-1?Q?Manual_f=F6r_v=E4derstationen?=',
        'Content-Type: text/plain; charset=ISO-8859-1',
        'Content-Transfer-Encoding: 8bit',
        'Message-ID: <latin.1@example.com>',
      ],
      Buffer.from(
        'Hej!\r\n\r\nFinns manualen på svenska? Min far läser inte engelska så bra.\r\n\r\nHälsningar\r\nWalter\r\n',
        'latin1',
      ),
      '+0100',
    ),
    letter(
      13.3,
      [
        `From: =?windows-1251?B?${windows1251('Иван Петров').toString('base64')}?= <ivan@stanciya.example>`,
        `Subject: =?windows-1251?B?${windows1251('Вопрос о датчике ветра').toString('base64')}?=`,
        'Content-Type: text/plain; charset=windows-1251',
        'Content-Transfer-Encoding: base64',
        'Message-ID: <cp1251.1@stanciya.example>',
      ],
      base64Lines(windows1251('Добрый день!\r\n\r\nПодходит ли датчик ветра для высоты 2000 метров?\r\n\r\nИван\r\n')),
      '+0300',
    ),
    letter(
      9.6,
      [
        'From: Colin MacRae <colin@macrae-sailing.example>',
        'Subject: Notes from the pier',
        'Content-Type: text/plain; charset=utf-8; format=flowed',
        'Message-ID: <flowed.1@macrae-sailing.example>',
      ],
      'Robin, here are my notes of the winter. The station on the pier stood \nthrough four storms, the highest gust was 38 m/s. The bronze fittings \nlook as new, apart from a little green.\n\n> How often did you clean the rain gauge?\n\nTwice. Gulls.\n\n-- \nColin MacRae\n',
    ),
    letter(
      3.9,
      [
        'From: Amara Eze <amara@greenhouse-coop.example>',
        'Subject: ',
        utf8,
        'Message-ID: <empty.1@greenhouse-coop.example>',
      ],
      'sent too early, sorry. The serial number is NL-T-004417.\n',
    ),
    letter(
      27.7,
      ['From: Peter van Dijk <p.vandijk@example.net>', utf8, 'Message-ID: <none.1@example.net>'],
      'The pump relay works now. Thanks!\n',
    ),
    letter(
      18.9,
      [
        'From: purchasing@example.org',
        'Subject: Re: Fwd: Re: AW: Request for quotation for the supply, installation,\r\n calibration and three years of maintenance of automatic weather stations at\r\n fourteen municipal sites including data transmission, spare parts, training\r\n of staff and handover documentation in two languages (reference 2231/B-7)',
        utf8,
        'Message-ID: <long.1@example.org>',
      ],
      'Dear supplier,\n\nwe refer to our request. The date for questions is extended by one week.\n\nPurchasing\n',
    ),
    letter(
      38.5,
      [
        'From: fax@office-line.example',
        'Subject: Fax from +00 555 0142 (1 page)',
        'Content-Type: application/pdf; name="fax.pdf"',
        'Content-Transfer-Encoding: base64',
        'Content-Disposition: attachment; filename="fax.pdf"',
        'Message-ID: <fax.1@office-line.example>',
      ],
      base64Lines(pdf('Fax', ['Order confirmation 8841', 'Please call back.'])),
    ),
    letter(
      49.2,
      [
        'From: undisclosed-test@example.com',
        'Cc: undisclosed-recipients:;',
        'Subject: Change of opening hours',
        'Content-Type: text/html; charset=us-ascii',
        'Content-Transfer-Encoding: quoted-printable',
      ],
      '<html><body><p style=3D"color:#333">From next week the counter is open from 8 to 16.<=\nbr>Outside these hours please ring the bell.</p></body></html>\n',
    ),
  ]
}

function windows1251(text: string): Buffer {
  return Buffer.from(
    [...text].map(letter => {
      const code = letter.codePointAt(0) ?? 0x3f
      return code >= 0x410 && code <= 0x44f ? code - 0x350 : code < 0x80 ? code : 0x3f
    }),
  )
}
