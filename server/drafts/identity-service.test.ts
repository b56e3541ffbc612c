/** Signatures: people set them, drafts keep the one that they began with, and the owner's addresses are left out of replies. */
import { expect, test } from 'vitest'
import { agent, ann, startDrafts } from '../../test/support/draft-world.ts'

const input = {
  format: 'markdown',
  content: '**Ann** Berg',
  from_name: 'Ann Berg',
  aliases: ['a.berg@example.com'],
} as const

test('a signature stands below the text, behind its mark, and the name beside the address', async () => {
  const world = await startDrafts()
  await world.identities.set(ann, 'a', { ...input, aliases: [...input.aliases] })
  const draft = await world.create({
    to: ['b@b.example'],
    subject: 's',
    body: { format: 'markdown', content: 'Hello' },
  })
  expect(draft.from).toEqual({ email: 'ann@example.org', name: 'Ann Berg' })
  const { bytes } = await world.compose(draft)
  expect(bytes.toString()).toContain('Hello\r\n\r\n-- \r\n**Ann** Berg\r\n')
  expect(bytes.toString()).toContain('<strong>Ann</strong> Berg')
  // The same revision stays the same message.
  await world.identities.set(ann, 'a', { ...input, content: 'Other', aliases: [] })
  await world.db.deleteFrom('draft_messages').execute()
  expect((await world.compose(draft)).bytes.equals(bytes)).toBe(true)
  const without = await world.drafts.change(agent, 'a', draft.id, { rev: 1, include_signature: false })
  expect((await world.compose(without)).bytes.toString()).not.toContain('-- \r\n')
  const again = await world.drafts.change(agent, 'a', draft.id, { rev: 2, include_signature: true })
  expect((await world.compose(again)).bytes.toString()).toContain('-- \r\nOther')
})

test('programs may read how an account signs, and not change it; addresses are checked', async () => {
  const world = await startDrafts()
  const set = (aliases: string[], who = ann) => world.identities.set(who, 'a', { ...input, aliases })
  await expect(set([], agent)).rejects.toMatchObject({ code: 'session_needed' })
  await expect(set(['x@y.example', 'nonsense'])).rejects.toMatchObject({
    extension: { errors: [{ path: 'body.aliases.1' }] },
  })
  await set(['x@y.example'])
  expect(await world.identities.get(agent, 'a')).toMatchObject({ content: '**Ann** Berg', aliases: ['x@y.example'] })
  expect((await world.identities.identityOf(agent, 'a')).own).toEqual(['ann@example.org', 'x@y.example'])
  expect(await world.identities.get(agent, 'b')).toMatchObject({ content: '', updated_at: null })
})
