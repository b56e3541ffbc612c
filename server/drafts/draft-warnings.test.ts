/** Warnings before a draft is sent. */
import { expect, test } from 'vitest'
import { startDrafts } from '../../test/support/draft-world.ts'
import type { IndexedContact } from '../index/index-types.ts'

const contact = (email: string, writtenTo: number): IndexedContact => ({
  ...{ email, name: null, wrote: 3, writtenTo },
  lastWrote: null,
  lastWrittenTo: null,
})
const contacts = [
  contact('bob@example.com', 4),
  contact('eve@paypai.example', 0),
  contact('carol@firma-berg.de', 2),
  contact('dave@example.com', 1),
]
const index = {
  of: () => ({
    listContacts: async ({ query, limit }: { query: string; limit: number }) =>
      contacts.filter(({ email }) => email.includes(query)).slice(0, limit),
  }),
}
const sent = new Set(['bob@example.com', 'carol@firma-berg.de'])
const writtenTo = async (_account: string, emails: readonly string[]) =>
  new Set(emails.filter(email => sent.has(email)))
const start = (isIndexed = true) => startDrafts({ contacts: { index, isIndexed: () => isIndexed, writtenTo } })
const subject = 's'
const warned = async (input: object, isIndexed = true) => {
  const { warnings } = await (await start(isIndexed)).create({ subject, ...input })
  return warnings
}

test('recipients that are new, or look like known ones, are told; known ones are not', async () => {
  expect(await warned({ to: ['bob@example.com', 'Carol <CAROL@firma-berg.de>'] })).toEqual([])
  expect(await warned({ to: ['eve@paypai.example'] })).toEqual(['You have never written to eve@paypai.example.'])
  // The message to him is only being written, maybe this one.
  expect(await warned({ to: ['dave@example.com'] })).toEqual(['You have never written to dave@example.com.'])
  expect(await warned({ cc: ['b0b@example.com'] })).toEqual([
    'b0b@example.com looks like bob@example.com, to whom you write.',
    'You have never written to b0b@example.com.',
  ])
  expect(await warned({ bcc: ['someone@firrna-berg.de'] })).toEqual([
    'The domain of someone@firrna-berg.de looks like firma-berg.de.',
    'You have never written to someone@firrna-berg.de.',
  ])
  // A lookalike comes before strangers that are named earlier.
  expect(await warned({ to: ['eve@paypai.example', 'b0b@example.com'] })).toEqual([
    'b0b@example.com looks like bob@example.com, to whom you write.',
    'You have never written to eve@paypai.example or b0b@example.com.',
  ])
  const crowd = Array.from({ length: 9 }, (_, index) => `p${index}@paypai.example`)
  expect(await warned({ to: crowd.slice(0, 3) })).toEqual([
    'You have never written to p0@paypai.example, p1@paypai.example or p2@paypai.example.',
  ])
  expect(await warned({ to: crowd })).toEqual([
    `You have never written to ${crowd.slice(0, 5).join(', ')} or 4 others.`,
  ])
  // Without an index, contacts are unknown.
  expect(await warned({ to: ['eve@paypai.example'] }, false)).toEqual([])
  expect(await warned({ to: ['a@paypa1.com'] }, false)).toEqual(['The domain of a@paypa1.com looks like paypal.com.'])
})

test.each([
  'I attached the file.',
  'Die Datei findest du anbei.',
  'Voir la pièce jointe',
  'Документ во вложении',
  '见附件',
])('%s without an attachment is told', async content => {
  const missing = ['The text mentions an attachment, but nothing is attached.']
  expect(await warned({ body: { format: 'markdown', content } })).toEqual(missing)
  // A quotation of another person.
  expect(await warned({ body: { format: 'markdown', content: `> ${content}` } })).toEqual([])
  const world = await start()
  const draft = await world.create({ subject, body: { format: 'markdown', content } })
  expect((await world.attach(draft, 'a.pdf', Buffer.from('x'))).warnings).toEqual([])
})

test('an empty subject and pictures that do not go along are told', async () => {
  expect(await warned({ subject: ' ' })).toEqual(['The subject is empty.'])
  const content = '![me](https://example.com/me.png)'
  const told = ['Pictures from the web are not sent; attach them.']
  expect(await warned({ body: { format: 'markdown', content } })).toEqual(told)
  expect(await warned({ body: { format: 'html', content: '<img src="//example.com/a.gif">' } })).toEqual(told)
})
