/** What leaves is made once of each revision: always the same bytes, whatever is in it whole, and nothing of any field in a header but where it belongs. */
import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { anyText } from '../../test/support/any-text.ts'
import { agent, signal, startDrafts } from '../../test/support/draft-world.ts'
import { BlobTooLarge } from '../blobs/blobs.ts'
import { decodeWords } from '../reading/encoded-words.ts'
import { submissionHash } from './composed-message.ts'

test('the same revision is always the same bytes, and another one is another message', async () => {
  const world = await startDrafts({ email: 'ann@bücher.example' })
  const draft = await world.create({
    to: ['bob@example.com', 'dörte@bücher.example'],
    cc: ['Bob <BOB@example.com>'],
    bcc: ['blind@example.com'],
    subject: 'Grüße',
    body: { format: 'markdown', content: 'At **noon**?\n\n- one\n- two' },
  })
  const { composed, bytes } = await world.compose(draft)
  expect(composed).toMatchObject({
    envelope: {
      from: 'ann@xn--bcher-kva.example',
      to: ['bob@example.com', 'dörte@xn--bcher-kva.example', 'blind@example.com'],
    },
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    attachmentBytes: 0,
  })
  expect(composed.hash).toBe(submissionHash(composed.envelope, composed.sha256))
  expect(composed.messageId).toMatch(/^<[0-9a-f]{32}@xn--bcher-kva\.example>$/)
  expect(bytes.toString('latin1')).not.toContain('blind')
  // Composed again, as if the stored message was gone.
  await world.db.deleteFrom('draft_messages').execute()
  const again = await world.compose(draft)
  expect([again.composed.sha256, again.composed.hash]).toEqual([composed.sha256, composed.hash])
  expect(again.composed.blobId).not.toBe(composed.blobId)
  const changed = await world.drafts.change(agent, 'a', draft.id, { rev: 1, subject: 'Grüße' })
  const other = await world.compose(changed)
  expect(other.composed.messageId).not.toBe(composed.messageId)
  await expect(world.compose(draft)).rejects.toMatchObject({ code: 'draft_changed' })
})

test('what people are shown of it is read from its bytes', async () => {
  const world = await startDrafts()
  const files = {
    'Überblick — 2026.pdf': randomBytes(700_000),
    'a.txt': Buffer.from('--not a boundary\r\n--=\r\n'),
    'leer.bin': Buffer.alloc(0),
  }
  let draft = await world.create({
    to: ['bob@example.com'],
    subject: 'Files',
    body: {
      format: 'html',
      content:
        '<p onclick="x()">Hello <b>Bob</b><script>alert(1)</script> <a href="https://example.com/a?b=c">here</a><img src="https://tracker.example/x.gif"><i style="display:none">pin 4711</i>',
    },
  })
  for (const [name, bytes] of Object.entries(files)) draft = await world.attach(draft, name, bytes, 'application/pdf')
  const { composed, bytes } = await world.compose(draft)
  const shown = await world.messages.read(composed, agent, signal)
  expect(shown).toMatchObject({
    sha256: composed.sha256,
    size_bytes: bytes.length,
    text: 'Hello Bob here <https://example.com/a?b=c>\n',
    // It leaves with the rest.
    unseen_words: 'pin 4711',
  })
  expect(shown.attachments.map(({ name, size_bytes, sha256 }) => [name, size_bytes, sha256])).toEqual(
    Object.entries(files).map(([name, content]) => [
      name,
      content.length,
      createHash('sha256').update(content).digest('hex'),
    ]),
  )
  const header = bytes.toString('latin1').split('\r\n\r\n', 1)[0]!
  expect(shown.headers.map(({ name, value }) => `${name}: ${value}`).join('\n')).toBe(
    header.replaceAll(/\r\n(?=[ \t])/g, '').replaceAll('\r\n', '\n'),
  )
  expect(bytes.toString('latin1')).not.toMatch(/onclick|alert|tracker/)
  expect(shown.html).toContain('<b>Bob</b>')
})

test('comments of Markdown are not sent; words that only its text has are told', async () => {
  const world = await startDrafts()
  const composed = async (content: string) => {
    const draft = await world.create({ to: ['bob@example.com'], subject: 'x', body: { format: 'markdown', content } })
    return world.compose(draft)
  }
  expect((await composed('Hello **Bob**\n\n<!-- pin 4711 -->\n')).bytes.toString('latin1')).not.toContain('4711')
  const { composed: told } = await composed('| a | b |\n|---|---|\n| 1 | 2 | 4711 |\n')
  expect((await world.messages.read(told, agent, signal)).unseen_words).toBe('4711')
})

test('invisible characters are not sent, in any place; those that scripts and emoji need are', async () => {
  const world = await startDrafts()
  const secret = [...'pin 4711'].map(letter => String.fromCodePoint(0xe0000 + letter.codePointAt(0)!)).join('')
  const hidden = `${secret}\u200b\u2060\u202e\u{e0101}`
  const needed = '👩‍👩‍👧 \u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} کتاب‌ها'
  for (const format of ['text', 'markdown', 'html'] as const) {
    let draft = await world.create({
      to: [{ name: `Bob${hidden}`, email: 'bob@example.com' }],
      from_name: `Ann${hidden}`,
      subject: `Hello${hidden} ${needed}`,
      body: { format, content: `Hello${hidden} ${needed}` },
    })
    draft = await world.attach(draft, `a${hidden}.txt`, Buffer.from('x'), 'text/plain')
    const { composed } = await world.compose(draft)
    const { headers, people, text, html, attachments } = await world.messages.read(composed, agent, signal)
    // Text made of HTML has no joiners at all.
    if (format !== 'html') expect(text).toBe(`Hello ${needed}\n`)
    expect(text).not.toContain(secret)
    if (format !== 'text') expect(html).toContain(`Hello ${needed}`)
    expect(attachments[0]!.name).toMatch(/^a_?\.txt$/)
    expect(people.map(({ name }) => name)).toEqual(['Ann', 'Bob'])
    const subject = headers.find(({ name }) => name === 'Subject')!.value
    expect(await decodeWords(subject)).toBe(`Hello ${needed}`)
  }
})

test('people are told with the names that recipients see', async () => {
  const world = await startDrafts()
  const draft = await world.create({
    to: [{ name: 'boss@ok.example', email: 'eve@evil.example' }, 'plain@example.com'],
    cc: [{ name: 'Müller, "Jo" <x@y.example>', email: 'jo@bücher.example' }],
    reply_to: [{ name: '明日の会議について', email: 'r@example.com' }],
    subject: 'x',
    body: { format: 'text', content: 'x' },
  })
  const { composed } = await world.compose(draft)
  expect((await world.messages.read(composed, agent, signal)).people.slice(1)).toEqual([
    { field: 'reply_to', name: '明日の会議について', email: 'r@example.com' },
    { field: 'to', name: 'boss@ok.example', email: 'eve@evil.example' },
    { field: 'to', name: null, email: 'plain@example.com' },
    { field: 'cc', name: 'Müller, "Jo" <x@y.example>', email: 'jo@xn--bcher-kva.example' },
  ])
})

/** Anything that a caller could try to get into a header. */
const words = fc.oneof(
  anyText(60),
  fc.constantFrom(
    '\r\nBcc: evil@example.com',
    'a\nX-Evil: 1',
    '\rX-Evil: 1',
    'a\0b',
    '\u2028X-Evil: 1',
    '\u0085X-Evil: 1',
    '"; X-Evil: 1',
    '=?utf-8?q?a=0D=0AX-Evil=3A_1?=',
    '<x>, evil@example.com',
    '\\"',
    '\u202e',
  ),
)
const known =
  /^(From|Reply-To|To|Cc|Subject|Date|Message-ID|In-Reply-To|References|MIME-Version|Content-Type|Content-Transfer-Encoding|Content-Disposition)$/

test('no field gets a line end, or another field, into a header', async () => {
  const { writeMessage } = await import('./write-message.ts')
  const address = fc.record({
    name: fc.option(words, { nil: null }),
    email: fc.constantFrom('a@b.example', 'dörte@bücher.example'),
  })
  const ids = fc.stringMatching(/^<[\x21-\x3b\x3d\x3f-\x7e]{1,80}>$/)
  const message = fc.record({
    from: address,
    replyTo: fc.array(address, { maxLength: 2 }),
    to: fc.array(address, { maxLength: 3 }),
    cc: fc.array(address, { maxLength: 2 }),
    subject: words,
    inReplyTo: fc.option(ids, { nil: null }),
    references: fc.array(ids, { maxLength: 3 }),
    text: words,
    html: fc.option(words, { nil: null }),
    attachments: fc.array(fc.record({ name: words, type: words }), { maxLength: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(message, async ({ attachments, ...given }) => {
      const stream = writeMessage({
        ...given,
        date: new Date(0),
        messageId: '<1@b.example>',
        boundary: 'k',
        attachments: attachments.map(each => ({
          ...each,
          open: async function* () {
            yield Buffer.from('x')
          },
        })),
      })
      const chunks: Buffer[] = []
      for await (const chunk of stream) chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      expect(bytes.includes(0)).toBe(false)
      const text = bytes.toString('utf8')
      const headers = [
        text.split('\r\n\r\n', 1)[0]!,
        ...text
          .split(/^--=-k-Part_\d+\r\n/m)
          .slice(1)
          .map(part => part.split('\r\n\r\n', 1)[0]!),
      ]
      for (const header of headers) {
        expect(header.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
        for (const line of header.split('\r\n')) {
          if (/^[ \t]/.test(line) || line === '') continue
          expect(line.slice(0, line.indexOf(':'))).toMatch(known)
        }
      }
      const names = headers[0]!
        .split('\r\n')
        .filter(line => !/^[ \t]/.test(line))
        .map(line => line.split(':', 1)[0])
      expect(new Set(names).size).toBe(names.length)
    }),
    { numRuns: 300 },
  )
})

test.each([
  ['bytes', 'too_large'],
  ['accountBytes', 'too_many_drafts'],
] as const)('a message beyond the bound %s is refused as %s', async (bound, code) => {
  const world = await startDrafts()
  const draft = await world.create({ to: ['bob@example.com'] })
  vi.spyOn(world.blobs, 'write').mockRejectedValueOnce(new BlobTooLarge(bound))
  await expect(world.compose(draft)).rejects.toMatchObject({ code })
  vi.spyOn(world.blobs, 'write').mockRejectedValueOnce(new TypeError('a bug'))
  await expect(world.compose(draft)).rejects.toThrow('a bug')
  expect((await world.compose(draft)).bytes.length).toBeGreaterThan(0)
})
