/** Delivery failure reports as mail servers write them; addresses and ids are filled in. */

export interface BounceSample {
  name: string
  /** @param id Message-ID of the message that bounced. */
  write(email: string, id: string): string
  /** Whether the report names the message that bounced. */
  namesMessage: boolean
  /** Part of the reason that is shown for the recipient. */
  words: string
}

const dsn = (email: string, id: string, action: string, status: string, diagnostic: string) =>
  `From: MAILER-DAEMON@mx.there.test (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="B1"

This is a MIME-encapsulated message.

--B1
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.there.test.

<${email}>: host mx[192.0.2.1] said: ${diagnostic} (in reply to RCPT TO command)

--B1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.there.test
Arrival-Date: Sun, 29 Nov 2026 00:00:00 +0000

Final-Recipient: rfc822; ${email}
Action: ${action}
Status: ${status}
Diagnostic-Code: smtp; ${diagnostic}

--B1
Content-Type: text/rfc822-headers

Subject: Lunch
Message-ID: ${id}

--B1--
`

export const reportOf = dsn

export const bounceSamples: BounceSample[] = [
  {
    name: 'RFC 3464, by Postfix',
    write: (email, id) => dsn(email, id, 'failed', '5.1.1', '550 5.1.1 User unknown'),
    namesMessage: true,
    words: '550 5.1.1 User unknown',
  },
  {
    name: 'RFC 3464, with a folded field, base64 and the whole message',
    write: (email, id) =>
      `From: <postmaster@there.test>
Subject: =?utf-8?q?Unzustellbar?=
Content-Type: multipart/report; boundary=B2; report-type="delivery-status"

--B2
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

${Buffer.from('Ihre Nachricht konnte nicht zugestellt werden.').toString('base64')}
--B2
Content-Type: message/delivery-status

Reporting-MTA: dns;there.test

Original-Recipient: rfc822;${email.toUpperCase()}
Final-Recipient: rfc822;another@elsewhere.test
Action: failed (permanent)
Status: 5.2.2
Diagnostic-Code: smtp;552
  5.2.2 mailbox full

--B2
Content-Type: message/rfc822

Subject: Lunch
Message-Id: ${id}

At noon?
--B2--
`,
    namesMessage: true,
    words: '552 5.2.2 mailbox full',
  },
  {
    name: 'qmail',
    write: (email, id) =>
      `From: MAILER-DAEMON@there.test
Subject: failure notice

Hi. This is the qmail-send program at there.test.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<${email}>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <me@here.test>
Message-ID: ${id}
To: ${email}, bystander@there.test
`,
    namesMessage: true,
    words: 'no mailbox here by that name',
  },
  {
    name: 'Exim',
    write: (email, id) =>
      `From: Mail Delivery System <Mailer-Daemon@there.test>
X-Failed-Recipients: ${email}
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  ${email}
    Unrouteable address

------ This is a copy of the message, including all the headers. ------

Message-ID: ${id}
To: ${email}, bystander@there.test
`,
    namesMessage: true,
    words: 'Unrouteable address',
  },
  {
    name: 'Gmail, without the message',
    write: email =>
      `From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>
Subject: Delivery Status Notification (Failure)
Content-Type: multipart/alternative; boundary="g"

--g
Content-Type: text/plain; charset="UTF-8"
Content-Transfer-Encoding: quoted-printable

** Address not found **

Your message wasn't delivered to ${email} because the address couldn't be=
 found, or is unable to receive mail.

The response was: 550 5.1.1 The email account that you tried to reach does not exist.
--g--
`,
    namesMessage: false,
    words: "couldn't be found",
  },
  {
    name: 'Exchange',
    write: (email, id) =>
      `From: <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@there.test>
Subject: Undeliverable: Lunch
In-Reply-To: ${id}
Content-Type: text/plain

Delivery has failed to these recipients or groups:

Anne (${email})
The email address you entered couldn't be found.

Diagnostic information for administrators:
550 5.1.10 RESOLVER.ADR.RecipientNotFound

Original message headers:

To: ${email}, bystander@there.test
`,
    namesMessage: true,
    words: "couldn't be found",
  },
]
