/**
 * A public mailing list with its threads, as list software sends it: List-* headers, a tag in the subject, a footer.
 */
import type { Letter } from './seed-mail.ts'
import type { Person } from './seed-people.ts'
import type { Random } from './seed-random.ts'

const list: Person = { name: 'openfield-dev', address: 'openfield-dev@lists.openfield.test' }

const posters: readonly Person[] = [
  { name: 'Hanneke Vos', address: 'hanneke@example.org' },
  { name: 'Deepak Rao', address: 'deepak.rao@example.net' },
  { name: 'Łukasz Zając', address: 'lukasz@zajac.test' },
  { name: 'Grace Mwangi', address: 'grace@agri-lab.example' },
  { name: 'Owen Pritchard', address: 'owen@example.com' },
]

const threads: readonly { subject: string; daysAgo: number; posts: readonly string[] }[] = [
  {
    subject: 'RFC: units in the header line',
    daysAgo: 55,
    posts: [
      'At present a reader has to know that wind is in m/s. I propose to put the unit behind the name, separated by an underscore: wind_ms.',
      '+1. Could we keep the old names as aliases for a year?',
      "Aliases are cheap in the parser, less so in everybody's spreadsheets. I would rather have a version number in the first line.",
      'Version number and new names, then. Old files stay valid as version 1.',
      'I wrote that up as a patch. Comments welcome until Sunday.',
      'Merged. Thank you all.',
    ],
  },
  {
    subject: 'Leap seconds in hourly means',
    daysAgo: 44,
    posts: [
      'Our station reports 3601 seconds for one hour and the validator refuses the file.',
      'I think the validator is wrong. An hour is from :00:00 to the next :00:00, however long that takes.',
      'Agreed. The fix is one line, but the test data has to be made by hand.',
      'I have a recording of the last one, from six stations. Shall I put it up?',
      'Please do.',
    ],
  },
  {
    subject: '[ANN] openfield-tools 2.4',
    daysAgo: 30,
    posts: [
      'Version 2.4 is out.\n\n  * reads version 2 headers\n  * `of-check` names the line and the column of every fault\n  * twice as fast on files over 100 MB\n\nMany thanks to everybody who reported faults.',
      'Works here on 14 years of data. The new messages found two lines that had been wrong since 2013.',
      'Is there a package for ARM?',
      'There is now: https://openfield.test/download/arm64',
    ],
  },
  {
    subject: 'How do you archive raw readings?',
    daysAgo: 16,
    posts: [
      'We keep one file a day and station, which makes 40,000 small files a year. Does anybody have a better way?',
      'One file a month, compressed. Search by first bytes of the time, works well enough.',
      'SQLite. One table, an index on station and time. 2 GB for ten years.',
      'We do both: files as the truth, SQLite for questions. It can be rebuilt at any time.',
      'That is what we will do, I think. How long does a rebuild take?',
      'Eleven minutes for 300 million lines, on an old laptop.',
    ],
  },
  {
    subject: 'Meeting in spring: place and date',
    daysAgo: 5,
    posts: [
      'Last year we met in Utrecht. Who can offer a room for thirty people in April?',
      'The agricultural school in Kraków can. There is a dormitory next door.',
      'Kraków would be lovely. Could we avoid the week after Easter?',
      'Then 23 to 25 April. I will put up a page where one can register.',
    ],
  },
]

export function mailingList(random: Random, now: Date): Letter[] {
  return threads.flatMap(({ subject, daysAgo, posts }, thread) => {
    const ids: string[] = []
    let time = now.getTime() - daysAgo * 86_400_000
    return posts.map((text, index) => {
      const from = posters[(thread + index * 2) % posters.length] ?? list
      const id = `<of.${thread}.${index}.${random.int(1_000_000, 9_999_999)}@lists.openfield.test>`
      const before = [...ids]
      ids.push(id)
      const at = new Date(time)
      time = Math.min(time + random.int(30, 1_100) * 60_000, now.getTime() - 60_000 * (posts.length - index))
      return {
        folder: index % 3 === 2 ? 'Archive' : 'INBOX',
        at,
        flags: ['\\Seen'],
        mail: {
          from: { name: `${from.name} via openfield-dev`, address: list.address },
          replyTo: from,
          to: list,
          subject: `${index > 0 ? 'Re: ' : ''}[openfield-dev] ${subject}`,
          messageId: id,
          ...(before.length > 0 ? { inReplyTo: before.at(-1) ?? '', references: before } : {}),
          text: `${text}\n\n--\n${from.name}\n\n_______________________________________________\nopenfield-dev mailing list\nhttps://lists.openfield.test/openfield-dev\n`,
          headers: {
            'List-Id': 'Discussion of the Open Field format <openfield-dev.lists.openfield.test>',
            'List-Post': '<mailto:openfield-dev@lists.openfield.test>',
            'List-Archive': '<https://lists.openfield.test/openfield-dev>',
            'List-Unsubscribe': '<mailto:openfield-dev-leave@lists.openfield.test>',
            Precedence: 'list',
          },
        },
      } satisfies Letter
    })
  })
}
