/** Mail that clients stumble over: bounces, invitations, embedded messages, inline images, files. */

import { calendarEntry, chartPng, logoPng, type Meeting, pdf, readingsCsv } from './seed-attachments.ts'
import { handMade } from './seed-hand-made.ts'
import { byHand, dateHeader, type Letter } from './seed-mail.ts'
import { jonas, maya, noor, owner, priya, samuel, tomas } from './seed-people.ts'
import type { Random } from './seed-random.ts'

const me = `${owner.name} <${owner.address}>`

export function oddities(random: Random, now: Date): Letter[] {
  const ago = (days: number) => new Date(now.getTime() - days * 86_400_000)
  return [
    ...invitations(now),
    ...[34.2, 12.6, 1.4].map((days, index) => bounce(ago(days), index)),
    ...handMade(ago),
    ...withFiles(random, ago),
  ]
}

function invitations(now: Date): Letter[] {
  const meeting = (days: number, title: string, place: string, organiser: Meeting['organiser']): Meeting => ({
    uid: `${title.toLowerCase().replaceAll(/\W+/g, '-')}@calendar.northlight.example`,
    title,
    place,
    starts: new Date(Math.ceil(now.getTime() / 3_600_000) * 3_600_000 + days * 86_400_000),
    minutes: 45,
    organiser,
    attendees: [owner, tomas, noor],
  })
  const asked = [
    [1.1, meeting(2, 'Apollo pilot run: go or no go', 'Workshop', jonas)],
    [4.3, meeting(6, 'Quarterly review', 'Large room', maya)],
    [8.8, meeting(-3, 'Customer visit: Oakfield School', 'Oakfield', noor)],
    [21.5, meeting(-14, 'Firmware walk-through', 'Online', priya)],
  ] as const
  const invited = asked.map(([days, event]) => invitation('REQUEST', days, event, now))
  return [...invited, invitation('CANCEL', 16.2, meeting(-12, 'Sales training', 'Online', samuel), now)]
}

function invitation(method: 'REQUEST' | 'CANCEL', days: number, event: Meeting, now: Date): Letter {
  const at = new Date(now.getTime() - days * 86_400_000)
  const when = event.starts.toUTCString().slice(0, 22)
  return {
    folder: 'INBOX',
    at,
    mail: {
      from: event.organiser,
      to: event.attendees.map(({ name, address }) => ({ name, address })),
      subject: `${method === 'CANCEL' ? 'Cancelled' : 'Invitation'}: ${event.title} @ ${when}`,
      text: `${event.title}\nWhen: ${when} (UTC)\nWhere: ${event.place}\n`,
      icalEvent: { method, filename: 'invite.ics', content: calendarEntry(method, event, at) },
    },
  }
}

/** Returns a delivery status notification (RFC 3464). */
function bounce(at: Date, index: number): Letter {
  const to = ['m.holt@weatherby-farms.example', 'info@old-partner.test', 'sales@typo-in-name.example'][index] ?? ''
  const why = ['550 5.1.1 No such user here', '550 5.4.1 Relay not permitted', '452 4.2.2 Mailbox full'][index] ?? ''
  const boundary = `report.${index}.${at.getTime()}`
  const isFailed = !why.startsWith('4')
  return {
    folder: 'INBOX',
    at,
    mail: {
      bytes: byHand(
        [
          'Return-Path: <>',
          dateHeader(at),
          'From: Mail Delivery System <MAILER-DAEMON@mx.northlight.example>',
          `To: ${owner.address}`,
          `Subject: ${isFailed ? 'Undelivered Mail Returned to Sender' : 'Delayed Mail (still being retried)'}`,
          `Message-ID: <report.${at.getTime()}@mx.northlight.example>`,
          'Auto-Submitted: auto-replied',
          'MIME-Version: 1.0',
          `Content-Type: multipart/report; report-type=delivery-status; boundary="${boundary}"`,
        ],
        `This is a MIME-encapsulated message.

--${boundary}
Content-Type: text/plain; charset=us-ascii
Content-Description: Notification

Your message to <${to}> could not be delivered${isFailed ? '' : ' yet'}.

    ${why}

--${boundary}
Content-Type: message/delivery-status
Content-Description: Delivery report

Reporting-MTA: dns; mx.northlight.example
Arrival-Date: ${at.toUTCString()}

Final-Recipient: rfc822; ${to}
Action: ${isFailed ? 'failed' : 'delayed'}
Status: ${why.slice(4, 9)}
Diagnostic-Code: smtp; ${why}

--${boundary}
Content-Type: message/rfc822
Content-Description: Undelivered Message

From: ${me}
To: ${to}
Subject: Offer for four stations
${dateHeader(new Date(at.getTime() - 40_000))}
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

Hello,

as promised on the phone, our offer for four stations.

Robin
--${boundary}--
`,
      ),
    },
  }
}

function withFiles(random: Random, ago: (days: number) => Date): Letter[] {
  const forwarded = byHand(
    [
      dateHeader(ago(8)),
      'From: Imogen Clarke <imogen.clarke@example.com>',
      `To: ${noor.address}`,
      'Subject: A small poem about rain',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Message-ID: <poem@example.com>',
    ],
    'It rained four millimetres, said the bowl;\nthe gutter swore it had been ten.\nI trust the one that has a scale.\n',
  )
  return [
    {
      folder: 'INBOX',
      at: ago(0.9),
      mail: {
        from: jonas,
        to: owner,
        subject: 'Line 2: yield of the week',
        text: 'Yield of line 2:\n\nJonas\n',
        html: '<p>Yield of line 2:</p><p><img src="cid:chart@northlight" width="240" height="120" alt="Chart"></p><p>Jonas<br><img src="cid:logo@northlight" width="48" height="48" alt=""></p>',
        attachments: [
          { filename: 'chart.png', content: chartPng(random), cid: 'chart@northlight' },
          { filename: 'logo.png', content: logoPng(), cid: 'logo@northlight' },
          { filename: 'yield.csv', content: readingsCsv(random, ago(8), 24) },
        ],
      },
    },
    {
      folder: 'INBOX',
      at: ago(7.2),
      mail: {
        from: noor,
        to: owner,
        subject: 'Fwd: A small poem about rain',
        text: 'Too nice not to forward.\n',
        attachments: [{ filename: 'A small poem about rain.eml', content: forwarded, contentType: 'message/rfc822' }],
      },
    },
    {
      folder: 'INBOX',
      at: ago(15.8),
      mail: {
        from: tomas,
        to: owner,
        subject: 'Drawings and parts list',
        text: 'All files for the mast foot.\n',
        attachments: [
          { filename: 'Mastfuß – Zeichnung_7.pdf', content: pdf('Mast foot', ['Sheet 1 of 1', 'Scale 1:5']) },
          { filename: '部品表.csv', content: 'part,pieces\r\nbolt M8,4\r\nplate,1\r\n' },
          { filename: 'mast.png', content: chartPng(random, 160, 160) },
        ],
      },
    },
    {
      folder: 'Archive',
      at: ago(57),
      mail: {
        from: maya,
        to: owner,
        subject: 'Company handbook, fourth edition',
        text: 'The new handbook is attached.\n',
        attachments: [
          {
            filename: 'handbook.pdf',
            content: pdf(
              'Handbook',
              Array.from({ length: 30 }, (_, line) => `Section ${line + 1}: how we do things here`),
            ),
          },
        ],
      },
    },
    {
      folder: 'INBOX',
      at: ago(43.4),
      mail: {
        from: priya,
        to: owner,
        subject: 'Log of the weekend',
        text: 'Eight days of readings, the interesting part is Sunday night.\n',
        attachments: [{ filename: 'readings.csv', content: readingsCsv(random, ago(52), 192) }],
      },
    },
  ]
}
