/** What we compose is what an independent parser reads: headers, recipients, texts and attachments of drafts in many languages. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { startDrafts } from '../../test/support/draft-world.ts'
import { available, findTool } from '../../test/support/require.ts'
import { attachmentType } from './header-forms.ts'

const words = [
  'Grüße aus Köln – „schön“',
  '明日の会議について',
  '关于明天的会议',
  'Завтрашняя встреча',
  'اجتماع الغد',
  'פגישה מחר',
  'การประชุมพรุ่งนี้',
  '내일 회의',
  'Συνάντηση αύριο',
  'कल की बैठक',
  '👩‍👩‍👧 = 🎉',
  'plain',
  '"quoted", (comment) <x@y>; =?utf-8?q?no?=',
  'very long '.repeat(20).trim(),
]
const word = fc.constantFrom(...words)
const email = fc.constantFrom(
  'bob@example.com',
  "o'hara+tag@sub.example.org",
  'dörte@bücher.example',
  'x@xn--bcher-kva.example',
  '用户@例子.example',
)
const name = fc.option(word, { nil: null })
const person = fc.record({ email, name })
const people = fc.uniqueArray(person, { maxLength: 4, selector: each => each.email })
const content = fc
  .array(fc.oneof(word, fc.constantFrom('', '.', 'From here', '--', '> quoted', '   indented', 'x'.repeat(2_000))), {
    maxLength: 8,
  })
  .map(lines => lines.join('\n'))
const draft = fc.record({
  to: people,
  cc: people,
  bcc: people,
  reply_to: fc.array(person, { maxLength: 2 }),
  from_name: name,
  subject: word,
  body: fc.record({ format: fc.constantFrom('markdown' as const, 'text' as const, 'html' as const), content }),
})
const file = fc.record({
  name: fc.constantFrom(
    'Überblick – 2026.pdf',
    '議事録.txt',
    'it\'s; a "name".bin',
    'plain.txt',
    `${'long'.repeat(40)}.dat`,
  ),
  type: fc.constantFrom('application/pdf', 'text/plain; charset=latin1', 'message/rfc822', 'nonsense', 'image/png'),
  bytes: fc.uint8Array({ maxLength: 3_000 }),
})

describe.skipIf(!available('python3'))('Python agrees', () => {
  test('on generated drafts', async () => {
    const world = await startDrafts({ email: 'ann@bücher.example' })
    const written = []
    for (const [given, files] of fc.sample(fc.tuple(draft, fc.array(file, { maxLength: 3 })), {
      numRuns: 60,
      seed: 13,
    })) {
      let one = await world.create({ mode: 'new', ...given })
      for (const each of files) one = await world.attach(one, each.name, Buffer.from(each.bytes), each.type)
      written.push({ one, files, given, bytes: (await world.compose(one)).bytes })
    }
    const lines = written.map(({ bytes }) => `${bytes.toString('base64')}\n`).join('')
    const script = join(import.meta.dirname, '../../test/support/read-messages.py')
    const output = execFileSync(findTool('python3')!, [script], { input: lines, maxBuffer: 64 << 20, encoding: 'utf8' })
    const read = output
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(read.length).toBe(written.length)
    for (const [index, { one, files, given, bytes }] of written.entries()) {
      const seen = read[index]
      const told = (list: { name: string | null; email: string }[]) =>
        list.map(each => [each.name ?? '', headerAddress(each.email)])
      expect({ ...seen, defects: [] }).toMatchObject({
        from: [[one.from.name ?? '', 'ann@xn--bcher-kva.example']],
        to: told(one.to),
        cc: told(one.cc),
        reply_to: told(one.reply_to),
        bcc: null,
        subject: one.subject,
        message_id: expect.stringMatching(/^<[0-9a-f]{32}@xn--bcher-kva\.example>$/),
        attachments: files.map(each => [
          expect.stringContaining(each.name.slice(0, 4)),
          attachmentType(each.type),
          createHash('sha256').update(each.bytes).digest('hex'),
        ]),
      })
      expect(seen.attachments.map(([fileName]: string[]) => fileName)).toEqual(one.attachments.map(each => each.name))
      expect(new Date(seen.date).toISOString().slice(0, 19)).toBe(one.updated_at.slice(0, 19))
      if (given.body.format !== 'html') {
        const text = seen.bodies['text/plain'].replaceAll('\r\n', '\n').trim()
        expect(text).toBe(given.body.content.replace(/^\n+/, '').trimEnd().trim())
      }
      expect('text/html' in seen.bodies).toBe(given.body.format !== 'text')
      expect(seen.defects).toEqual([])
      expect(
        bytes
          .toString('latin1')
          .split('\r\n')
          .every(line => line.length <= 998),
      ).toBe(true)
    }
  })
})

/** With the domain in ASCII, unless the address needs SMTPUTF8 anyway. */
function headerAddress(address: string): string {
  const [local = '', domain = ''] = address.split('@')
  const isAscii = [...local].every(letter => letter < '\u0080')
  return isAscii ? `${local}@${new URL(`http://${domain}`).hostname}` : address
}
