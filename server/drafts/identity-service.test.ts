/** Signatures: people set them, drafts keep the one that they began with, and the owner's addresses are left out of replies. */
import { expect, test } from 'vitest'
import { agent, ann, startDrafts } from '../../test/support/draft-world.ts'

const input = {
  format: 'markdown',
  content: '**Ann** Berg',
  from_name: 'Ann Berg',
  aliases: ['a.berg@example.com'],
  sent_copy: 'auto',
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
  // A revision always yields the same message.
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
  expect(await world.identities.get(agent, 'a')).toMatchObject({
    content: '**Ann** Berg',
    aliases: [{ email: 'x@y.example', name: null }],
  })
  expect((await world.identities.identityOf(agent, 'a')).own).toEqual(['ann@example.org', 'x@y.example'])
  expect(await world.identities.get(agent, 'b')).toMatchObject({ content: '', updated_at: null })
})

test('a message is from the address that is chosen, by its own name, and from none that is not the owner’s', async () => {
  const world = await startDrafts()
  const aliases = ['Sales <sales@example.com>', 'info@example.com']
  const set = (more: object) => world.identities.set(ann, 'a', { ...input, aliases, ...more })
  await expect(set({ default_from: 'bob@example.com' })).rejects.toMatchObject({
    extension: { errors: [{ path: 'body.default_from' }] },
  })
  await set({})
  const first = await world.create()
  expect(first.from).toEqual({ email: 'ann@example.org', name: 'Ann Berg' })
  const change = (draft: { id: string; rev: number }, wanted: object) =>
    world.drafts.change(agent, 'a', draft.id, { rev: draft.rev, ...wanted })
  const sales = await change(first, { from_email: 'SALES@example.com' })
  expect(sales.from).toEqual({ email: 'sales@example.com', name: 'Sales' })
  const { bytes, composed } = await world.compose({ ...sales, ...(await change(sales, { to: ['b@b.example'] })) })
  expect(bytes.toString()).toContain('From: Sales <sales@example.com>')
  expect(composed.envelope.from).toBe('sales@example.com')
  const named = await change(await world.drafts.get(agent, 'a', first.id), { from_email: 'info@example.com' })
  expect(named.from).toEqual({ email: 'info@example.com', name: 'Ann Berg' })
  const own = await change(named, { from_email: null, from_name: 'A.' })
  expect(own.from).toEqual({ email: 'ann@example.org', name: 'A.' })
  await expect(change(own, { from_email: 'bob@example.com' })).rejects.toMatchObject({
    extension: { errors: [{ path: 'body.from_email' }] },
  })
  await set({ default_from: 'info@example.com' })
  expect((await world.create()).from.email).toBe('info@example.com')
  expect((await world.create({ from_email: 'ann@example.org' })).from.email).toBe('ann@example.org')
  // The account may get another address, and its identity follows.
  expect(await world.identities.get(agent, 'a')).toMatchObject({
    ...{ default_from: 'info@example.com', sent_copy: 'auto', sent_folder: null },
    aliases: [
      { email: 'sales@example.com', name: 'Sales' },
      { email: 'info@example.com', name: null },
    ],
  })
})

test('aliases that were stored before they had names are the same addresses', async () => {
  const world = await startDrafts()
  await world.identities.set(ann, 'a', { ...input, aliases: ['x@y.example'] })
  await world.db.updateTable('signatures').set({ aliases: '["x@y.example"]' }).execute()
  expect((await world.identities.get(ann, 'a')).aliases).toEqual([{ email: 'x@y.example', name: null }])
  expect((await world.create({ from_email: 'x@y.example' })).from).toEqual({ email: 'x@y.example', name: 'Ann Berg' })
})
