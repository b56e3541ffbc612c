/** Mail that arrives while the sandbox runs: an endless series of believable letters. */
import type { MailComposerOptions } from 'nodemailer/lib/mail-composer'
import { chartPng, pdf } from './seed-attachments.ts'
import type { Letter } from './seed-mail.ts'
import { shopOrder } from './seed-notices.ts'
import {
  crestline,
  customers,
  elena,
  freight,
  gerda,
  jonas,
  maya,
  noor,
  owner,
  type Person,
  priya,
  samuel,
  school,
  tomas,
  vineyard,
} from './seed-people.ts'
import type { Random } from './seed-random.ts'

const letters: readonly [from: Person, subject: string, text: string][] = [
  [
    jonas,
    'Line 1 is free from 15:00',
    'Maintenance was quicker than planned. I can start the next batch today if the shields are here.',
  ],
  [
    noor,
    'Two calls about the same error',
    'Both have E4 after the update to 0.8.3. I opened a ticket and told them to wait for tomorrow.',
  ],
  [
    priya,
    'Setup page: fix is live',
    'Passwords with spaces at the end work now. Four customers were concerned, Noor writes to them.',
  ],
  [tomas, 'Humidity chamber booked', 'Wednesday 8 to 12. Bring the two units from the vineyard, please.'],
  [
    samuel,
    'Distributor says yes',
    'They take 60 stations for the start and want the data sheet in French. Contract follows.',
  ],
  [
    elena,
    'Please approve: three payments',
    'Crestline 4,180.00, Meridian 612.40, Paper & Ink 88.15. All checked against the delivery slips.',
  ],
  [
    maya,
    'Ten minutes before lunch?',
    'I would like your opinion on the offer from the university. It is not urgent, but nice.',
  ],
  [
    school,
    'Reading of the week',
    'The pupils chose 14.2 mm of rain in one hour as reading of the week. Is that a lot for us?',
  ],
  [
    vineyard,
    'Première neige',
    'Bonjour Robin,\n\nfirst snow in the upper parcels. The station keeps sending, bravo.\n\nLuc',
  ],
  [crestline, 'Lot 2 leaves tomorrow', 'Boards passed electrical test, 125 of 125. Tracking number follows.'],
  [
    gerda,
    'Versandanzeige Gehäuse',
    'Guten Tag,\n\n120 Gehäuse haben heute unser Haus verlassen. Ankunft voraussichtlich übermorgen.\n\nMit freundlichen Grüßen',
  ],
  [
    freight,
    'Pick-up confirmed for tomorrow, 10:00 to 12:00',
    'Reference MF-77341. Please have the pallets labelled on two sides.',
  ],
  [customers[2], 'Thank you', 'The replacement arrived within a day. I wish all companies were like that.'],
  [customers[3], 'Spørsmål om vindmåler', 'Hei! Kan vindmåleren stå ute hele vinteren, også når det er is på den?'],
  [
    customers[6],
    'Is the gauge meant to click?',
    'Every now and then it clicks even when it does not rain. Is it broken or is it dew?',
  ],
  [
    customers[8],
    'Group order for the cooperative',
    'Nine members would like a station each. Is there a price for nine?',
  ],
  [
    { name: 'Watchdog', address: 'watchdog@ops.northlight.example' },
    'OK: ingest answers again',
    'ingest answered in 41 ms after 3 minutes without an answer.',
  ],
  [
    { name: 'Build', address: 'build@ci.northlight.example' },
    '[firmware] Build passed',
    'Step 6 of 6: package\n312 passed in 47.3 s',
  ],
]

/** Returns the letter with this number, dated `at`. */
export function arrival(random: Random, count: number, at: Date): Letter {
  const isOrder = count % 4 === 3
  const mail = isOrder ? shopOrder(random, 20_641 + Math.floor(count / 4)) : conversationPiece(random, count)
  return { folder: 'INBOX', at, mail: { to: owner, ...mail } }
}

function conversationPiece(random: Random, count: number): MailComposerOptions {
  const [from, subject, text] = letters[(count * 7) % letters.length] ?? [noor, 'A question', 'Do you have a minute?']
  const files = random.int(0, 9)
  return {
    from,
    subject,
    text: `${text}\n\n${from.name.split(' ')[0]}\n`,
    ...(files === 0 ? { attachments: [{ filename: 'report.pdf', content: pdf(subject, [text.slice(0, 90)]) }] } : {}),
    ...(files === 1 ? { attachments: [{ filename: 'chart.png', content: chartPng(random) }] } : {}),
  }
}
