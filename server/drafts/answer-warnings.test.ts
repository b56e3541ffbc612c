/** Warnings for a reply or forward: the number of recipients, and which parts of the original are not included. */
import { expect, test } from 'vitest'
import { type Attachment, mailBounds } from '../../contract/mail.ts'
import { agent, ann, type DraftMail, piecesOf, signal, startDrafts } from '../../test/support/draft-world.ts'
import { Problem } from '../platform/problem.ts'

const mebibyte = 2 ** 20
const people = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => ({ name: null, email: `p${from + at}@example.com` }))

interface Given {
  to?: ReturnType<typeof people>
  cc?: ReturnType<typeof people>
  to_count?: number
  cc_count?: number
  /** Name and bytes of each attachment. */
  files?: [string, number][]
  /** Further lines of its header. */
  head?: string
}

/** Like the server's, it allows a caller eight concurrent file reads. */
async function answering({ to = [], cc = [], files = [], head = '', ...counts }: Given) {
  const open = new Set<string>()
  const attachments = files.map(([name], at): Attachment => {
    const rest = { size_bytes: 1, is_inline: false, content_id: null, message_ref: null }
    return { id: String(at + 2), name, type: 'application/pdf', ...rest }
  })
  const message = {
    ...{ id: 'm1', ref: 'r1', thread_id: null, subject: 'Plan', from: [{ name: 'Bob', email: 'bob@example.com' }] },
    ...{ to, cc, to_count: to.length, cc_count: cc.length, reply_to: [], reply_to_count: 0, ...counts },
    ...{ text: 'Hello', html: null, date: '2026-11-29T00:00:00.000Z', sent_at: null, attachments },
  }
  const mail = {
    getMessage: async () => message,
    openAttachment: async (_owner: unknown, id: string) => {
      if (open.size >= 8) throw new Problem('too_many_requests', 'Too many attachments are being downloaded.')
      open.add(id)
      const [name, bytes] = files[Number(id) - 2]!
      const pieces = piecesOf(Buffer.alloc(bytes, 7), mebibyte)
      const end = () => open.delete(id)
      return {
        ...{ name, type: 'application/pdf' },
        bytes: {
          [Symbol.asyncIterator]() {
            return this
          },
          async next() {
            const piece = await pieces.next()
            if (piece.done) end()
            return piece
          },
          async return() {
            end()
            return pieces.return(undefined)
          },
        },
      }
    },
    files: { openRaw: async () => ({ bytes: piecesOf(Buffer.from(`${head}Message-ID: <1@example.com>\r\n\r\n`)) }) },
  } as unknown as DraftMail
  const world = await startDrafts({ mail })
  const body = { format: 'markdown' as const, content: 'Yes.' }
  return {
    ...world,
    open,
    answer: (mode: 'reply' | 'reply_all' | 'forward') => world.create({ mode, message: 'r1', body }),
  }
}

test('a reply to all says to how many it goes, from 21 on; one to the sender alone does not', async () => {
  const many = await answering({ to: people(10), cc: people(10, 10) })
  expect((await many.answer('reply_all')).warnings).toEqual(['This reply goes to 21 people.'])
  expect((await many.answer('reply')).warnings).toEqual([])
  const draft = await many.answer('reply_all')
  // Blind copies count too, and people who are removed do not any more.
  const more = await many.drafts.change(agent, 'a', draft.id, {
    rev: draft.rev,
    bcc: ['x@example.com', 'y@example.com'],
  })
  expect(more.warnings).toEqual(['This reply goes to 23 people.'])
  const few = await many.drafts.change(agent, 'a', draft.id, { rev: more.rev, cc: [], bcc: [] })
  expect(few.warnings).toEqual([])
  // One of them is Bob, who wrote.
  expect((await (await answering({ to: people(10), cc: people(9, 10) })).answer('reply_all')).warnings).toEqual([])
})

test('recipients of whom the message has too many are told as left out of a reply to all', async () => {
  const most = mailBounds.addresses
  const world = await answering({ to: people(most), to_count: most + 30, cc: people(3, most), cc_count: 5 })
  expect((await world.answer('reply_all')).warnings).toEqual([
    `This reply goes to ${most + 4} people.`,
    '32 recipients of the message are left out, since it has too many.',
  ])
  for (const mode of ['reply', 'forward'] as const) expect((await world.answer(mode)).warnings).toEqual([])
})

test('of a forward, files that are too large are left out and told by name; the others go along', async () => {
  const world = await answering({
    files: [
      ['film.mp4', 31 * mebibyte],
      ['plan.pdf', 10],
      ['../more\r\n.zip', 30 * mebibyte],
      ['last.txt', 20],
    ],
  })
  const draft = await world.answer('forward')
  expect(draft.attachments.map(({ name, size_bytes }) => [name, size_bytes])).toEqual([
    ['plan.pdf', 10],
    ['last.txt', 20],
  ])
  expect(draft.warnings).toHaveLength(2)
  expect(draft.warnings[0]).toBe('film.mp4 is not attached: there is no room for it.')
  expect(draft.warnings[1]).toMatch(/^[^/\r\n]*more[^/\r\n]*\.zip is not attached: there is no room for it\.$/)
  // The warning is repeated with each revision.
  const changed = await world.drafts.change(agent, 'a', draft.id, { rev: draft.rev, subject: 'Plans' })
  expect(changed.warnings).toEqual(draft.warnings)
  expect((await world.answer('reply')).warnings).toEqual([])
})

test('of a forward of 70 files, 50 go along and 20 are told; none of them is read on', async () => {
  const files = Array.from({ length: 70 }, (_, at): [string, number] => [`${at}.txt`, 1])
  const world = await answering({ files })
  const draft = await world.answer('forward')
  expect(draft.attachments.map(({ name }) => name)).toEqual(files.slice(0, 50).map(([name]) => name))
  expect(draft.warnings).toEqual(files.slice(50).map(([name]) => `${name} is not attached: there is no room for it.`))
  expect(world.open.size).toBe(0)
})

test('a file that is attached by name, and has no room, is refused; it is not read on either', async () => {
  const world = await answering({
    files: [
      ['film.mp4', 31 * mebibyte],
      ['plan.pdf', 1],
    ],
  })
  const named = (id: string) => ({ message: 'r1', attachment_id: id })
  for (const attach of [[named('2')], [named('3'), named('2')]]) {
    await expect(world.create({ attach })).rejects.toMatchObject({ code: 'too_large' })
  }
  let draft = await world.create()
  for (let at = 0; at < 50; at++) draft = await world.attach(draft, `${at}.txt`, Buffer.from('x'))
  const owner = { principal: agent, accountId: 'a', draftId: draft.id }
  for (let turn = 0; turn < 10; turn++) {
    const added = world.attachments.addFromMessage(owner, draft.rev, { message: 'r1', attachmentId: '3' }, signal)
    await expect(added).rejects.toMatchObject({ code: 'too_large' })
  }
  expect(world.open.size).toBe(0)
})

test('an answer is from the address to which the message was sent, else from the usual one', async () => {
  const to = (...emails: string[]) => emails.map(email => ({ name: null, email }))
  const from = async (given: Given) => {
    const world = await answering(given)
    const identity = {
      format: 'text',
      content: '',
      from_name: 'Ann',
      aliases: ['Sales <sales@example.com>', 'i@x.example'],
    }
    await world.identities.set(ann, 'a', { ...identity, sent_copy: 'auto', default_from: 'i@x.example' } as never)
    return (await world.answer('reply')).from
  }
  expect(await from({ to: to('c@c.example', 'Sales@example.com') })).toEqual({
    email: 'sales@example.com',
    name: 'Sales',
  })
  expect(await from({ to: to('c@c.example'), cc: to('sales+shop@example.com') })).toMatchObject({ name: 'Sales' })
  expect(await from({ to: to('ann@example.org') })).toEqual({ email: 'ann@example.org', name: 'Ann' })
  // A blind copy, or one by a list.
  const head = 'Received: x\r\nDelivered-To: <sales@example.com>\r\n'
  expect(await from({ to: to('list@l.example'), head })).toMatchObject({ email: 'sales@example.com' })
  expect(await from({ to: to('list@l.example') })).toEqual({ email: 'i@x.example', name: 'Ann' })
})
