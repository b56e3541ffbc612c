/** What is done to tokens: facts about changes only, connections apart from tokens, and who ends the users of a token. */
import { expect, test } from 'vitest'
import { minute, reader, setUp } from '../../test/support/tokens-on.ts'

const problem = (code: string) => expect.objectContaining({ code })

test('a change that changes nothing is no fact', async () => {
  const { tokens, signIn, facts } = await setUp()
  const ann = await signIn('ann', 'operator', ['a'])
  const { info } = await tokens.create(ann, reader)
  await tokens.change(ann, info.id, { name: info.name, accounts: ['a'] })
  expect(facts().map(({ type }) => type)).toEqual(['token_created'])
})

test('only connected clients are disconnected as such, and only while they and their owner are there', async () => {
  const { tokens, signIn, become, who, heard, clock } = await setUp()
  const ann = await signIn('ann', 'operator', ['a', 'b'])
  const client = { client_id: 'client', name: 'Client', host: null, redirect_host: 'localhost' }
  const { token, info: plain } = await tokens.create(ann, reader)
  const ends = { ...reader, expires_at: new Date(clock.now + minute).toISOString() }
  const { info: connected } = await tokens.create(ann, ends, client)
  await tokens.endConnection(plain.id, 'not a connection')
  expect(await who(token)).toMatchObject({ id: `token-${plain.id}` })
  await tokens.cutConnections()
  expect(heard).toEqual([`revoked token-${connected.id}`])
  const rightsOf = async (id: string) => (await tokens.findConnection(id))?.rights.accounts
  expect([await rightsOf(connected.id), await rightsOf(plain.id), await rightsOf('nosuch')]).toEqual([
    ...[['a'], undefined, undefined],
  ])
  await become('ann', { role: 'operator', accounts: ['a'], disabled: true })
  expect(await rightsOf(connected.id)).toBeUndefined()
  await become('ann', { role: 'operator', accounts: ['a'], disabled: false })
  clock.now += minute
  expect(await rightsOf(connected.id)).toBeUndefined()
})

test('only an administrator also ends the users that a token made', async () => {
  const { tokens, signIn, who } = await setUp()
  const ann = await signIn('ann', 'operator', ['a'])
  const { token, info } = await tokens.create(ann, reader)
  await expect(tokens.revoke(ann, info.id, true)).rejects.toEqual(problem('forbidden'))
  expect(await who(token)).toMatchObject({ id: `token-${info.id}` })
  await expect(tokens.listMade(await signIn('ben', 'operator', ['a']), info.id)).rejects.toEqual(
    problem('token_not_found'),
  )
})

test('a change that waited behind the end or demotion of its administrator is refused', async () => {
  const { tokens, signIn, become, who } = await setUp()
  const ada = await signIn('ada', 'administrator', 'all')
  const ann = await signIn('ann', 'operator', ['a'])
  const { token, info } = await tokens.create(ann, reader)
  const { info: own } = await tokens.create(ada, { ...reader, accounts: ['a'] })
  const asked = () => [
    tokens.change(ada, info.id, { name: 'another' }),
    tokens.revoke(ada, info.id),
    tokens.revoke(ada, own.id, true),
  ]
  // Her requests were admitted before.
  await become('ada', { role: 'operator', accounts: ['a'], disabled: false })
  const reasons = async () =>
    (await Promise.allSettled(asked())).map(result => result.status === 'rejected' && result.reason.code)
  expect(await reasons()).toEqual(['token_not_found', 'token_not_found', 'forbidden'])
  await become('ada', { role: 'administrator', accounts: 'all', disabled: true })
  expect(await reasons()).toEqual(['session_needed', 'session_needed', 'session_needed'])
  expect(await who(token)).toMatchObject({ name: info.name })
})
