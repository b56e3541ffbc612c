/** Contents of the other folders: sent letters, drafts, junk and deleted mail. */
import type { MailComposerOptions } from 'nodemailer/lib/mail-composer'
import { pdf } from './seed-attachments.ts'
import type { FolderName, Letter } from './seed-mail.ts'
import {
  crestline,
  customers,
  elena,
  freight,
  jonas,
  landlord,
  maya,
  noor,
  owner,
  samuel,
  team,
  tomas,
} from './seed-people.ts'
import type { Random } from './seed-random.ts'

type Short = readonly [to: MailComposerOptions['to'], subject: string, text: string]
type Junk = readonly [name: string, address: string, subject: string, text: string]

const sent: readonly Short[] = [
  [
    team,
    'Closed on Friday afternoon',
    'Hello everyone,\n\nthe electricity is off on Friday from 13:00. Please shut down your machines before lunch.\n\nRobin',
  ],
  [freight, 'Pick-up tomorrow', 'Two pallets, 180 kg each, ready from 10:00 at the north gate.\n\nRobin Hale'],
  [samuel, 'Numbers for the distributor call', 'Attached, as discussed. Page 2 has what they will ask about.\n\nRobin'],
  [
    crestline,
    'Delivery address for lot 2',
    'Please send the second lot directly to the workshop, attention Jonas.\n\nRobin',
  ],
  [
    elena,
    'Supplier bank details changed?',
    'I got a letter with new bank details of a supplier. I called their number from our own files: it is not from them. Please do not pay to the new account.\n\nRobin',
  ],
  [landlord, 'Key for the store room', 'Dear Patricia,\n\ncould I pick up the key on Wednesday after five?\n\nRobin'],
  [tomas, 'Mast foot', 'Looks good. Could the cable come out at the lower side, so that rain runs off?\n\nRobin'],
  [
    customers[4],
    'Your question about spare parts',
    'Dear Rosa,\n\nwe keep spare parts for ten years after the last station of a kind was sold.\n\nKind regards\nRobin',
  ],
  [
    jonas,
    'Visitors on Tuesday',
    'Six pupils from Oakfield come at 10. Could you show them the calibration chamber?\n\nRobin',
  ],
  [
    [maya, elena],
    'Insurance offers compared',
    'Two of three exclude hail, of all things. My choice would be the second.\n\nRobin',
  ],
]

const drafts: readonly Short[] = [
  [team, 'Apollo: what we learned', 'Three things went better than planned:\n\n1. '],
  [customers[9], 'Re: Notes from the pier', 'Dear Colin,\n\nwhat a winter! May we print your notes'],
  [undefined, 'Ideas for the summer party', '- boat\n- the old observatory\n- '],
  [landlord, 'Lease: signature', 'Dear Patricia,\n\nthe signed copy is attached. '],
  [noor, '', 'Could you look into'],
]

const junk: readonly Junk[] = [
  [
    'Account Service',
    'no-reply@secure-login-check.test',
    'Your mailbox is 98% full',
    'Confirm your password within 24 hours to keep your messages: http://secure-login-check.test/confirm',
  ],
  [
    'Mr. Director',
    'ceo.office@mailbox-of-the-boss.test',
    'Are you at your desk?',
    'I need you to handle a payment for me. Discreetly. Answer by mail only, I am in a meeting.',
  ],
  [
    'Parcel Center',
    'info@parcel-fee.test',
    'Your parcel is waiting: fee of 1.99',
    'Pay the customs fee here: http://parcel-fee.test/pay?id=88213',
  ],
  [
    'Growth Partners',
    'anna@rank-first.test',
    'Quick question about your web site',
    'I noticed that you are not on page one. Do you have 15 minutes this week?',
  ],
  [
    'Growth Partners',
    'anna@rank-first.test',
    'Re: Quick question about your web site',
    'Just bringing this to the top of your inbox.',
  ],
  ['Supplies Direct', 'deal@toner-outlet.test', 'TONER -70% ONLY TODAY', 'Fits all printers. Order now!'],
  [
    'Lottery Office',
    'claims@winners-office.test',
    'Final notice: unclaimed prize',
    'Your address was drawn. Send name, address and a copy of your passport.',
  ],
  [
    'Domain Registry',
    'renewal@domain-notice.test',
    'northlight.example expires: act now',
    'Transfer your domain to us for only 289 a year.',
  ],
  ['Billing', 'billing@invoice-reminder.test', 'Overdue invoice 77410', 'See the attachment and pay immediately.'],
  ['Investment Circle', 'vip@sure-returns.test', 'Your invitation (12% a month)', 'Only five places are left.'],
]

const trash: readonly Junk[] = [
  ['Calendar', 'calendar@northlight.example', 'Reminder: water the plants', 'Today at 16:00.'],
  ['Noor Haddad', 'noor@northlight.example', 'Please ignore', 'My last mail was meant for Samuel.'],
  ['Build', 'build@ci.northlight.example', '[web] Build 1411 passed', '298 passed in 44.1 s'],
  [
    'Harbour Hosting',
    'status@harbour-hosting.example',
    'Maintenance tonight from 2:00 to 2:20',
    'No action is needed.',
  ],
  ['Samuel Osei', 'samuel@northlight.example', 'Lunch?', 'The new place by the bridge, 12:30?'],
  ['Trade Fair', 'visitors@trade-fair.example', 'Your ticket from last year', 'Thank you for your visit.'],
  ['Quayside Coffee', 'news@quayside-coffee.example', 'Rate your order', 'How did you like it?'],
]

export function ownFolders(random: Random, now: Date): Letter[] {
  const ago = (days: number) => new Date(now.getTime() - days * 86_400_000 - random.int(0, 400) * 60_000)
  const written = (folder: FolderName, flags: Letter['flags'], at: Date, [to, subject, text]: Short): Letter => ({
    folder,
    at,
    ...(flags ? { flags } : {}),
    mail: {
      from: owner,
      ...(to ? { to } : {}),
      subject,
      text: `${text}\n`,
      ...(subject.startsWith('Numbers')
        ? { attachments: [{ filename: 'numbers.pdf', content: pdf(subject, ['1,204 stations', '312 displays']) }] }
        : {}),
    },
  })
  const received = (
    folder: FolderName,
    flags: Letter['flags'],
    at: Date,
    [name, address, subject, text]: Junk,
  ): Letter => ({
    folder,
    at,
    ...(flags ? { flags } : {}),
    mail: {
      from: { name, address },
      to: owner,
      subject,
      text: `${text}\n`,
      ...(folder === 'Junk'
        ? {
            html: `<p>${text}</p><img src="https://${address.split('@')[1]}/t.gif" width="1" height="1">`,
            headers: { 'X-Spam-Status': `Yes, score=${random.int(6, 18)}.${random.int(0, 9)}` },
          }
        : {}),
    },
  })
  return [
    ...sent.map((letter, index) => written('Sent', ['\\Seen'], ago(index * 5.4 + 0.5), letter)),
    ...drafts.map((letter, index) => written('Drafts', ['\\Seen', '\\Draft'], ago(index * 6 + 0.2), letter)),
    ...junk.map((letter, index) => received('Junk', index < 3 ? [] : ['\\Seen'], ago(index * 3 + 0.7), letter)),
    ...trash.map((letter, index) => received('Trash', ['\\Seen'], ago(index * 4 + 1), letter)),
  ]
}
