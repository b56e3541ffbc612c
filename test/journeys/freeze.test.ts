/**
 * The kill switch from outside: over REST, MCP and event streams, what was stopped stays stopped until a user lifts it.
 */
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { type Database, openDatabase } from '../../server/platform/database/database.ts'
import type { DatabaseObserver } from '../../server/platform/database/database-health.ts'
import { callTool, connectMcp } from '../support/mcp-client.ts'
import { listen, refOf, startMcpWorld } from '../support/mcp-world.ts'
import { openStream } from '../support/open-stream.ts'
import { type Answer, startApp } from '../support/people.ts'

const freeze = api.freezes.freeze.path
const codeOf = ({ text, status }: Answer) => (status < 300 ? 'ok' : (JSON.parse(text) as { code: string }).code)

test('a frozen token changes nothing over REST and MCP, and may read on; its change that waits is held until a user lifts it', async () => {
  const { people, ann, gateway } = await startMcpWorld()
  const { admin } = people
  const token = await people.token(['mail:organize'], [ann])
  const client = await connectMcp(people.url, token.proof)
  const ref = await refOf(client, ann)
  const { items } = await people.tell<{ items: { ref: string }[] }>(
    token.proof,
    'GET',
    `/api/v1/accounts/${ann}/messages?folder=INBOX`,
  )
  const change = { ids: [items[0]!.ref], add: ['flagged'] }
  const actions = api.operations.changeMessages.path.replace('{account_id}', ann)
  // Requested before, and still pending: the mail server does not answer.
  const release = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  gateway.delay = () => {
    asked.resolve()
    return release.promise
  }
  const { id } = await people.tell<{ id: string }>(token.proof, 'POST', actions, change)
  await asked.promise
  const { id: freezeId } = await people.tell<{ id: string }>(admin, 'POST', freeze, { principal: token.id })
  release.resolve()
  gateway.delay = () => undefined
  expect(codeOf(await people.ask(token.proof, 'POST', actions, change))).toBe('frozen')
  const moved = await callTool(client, 'mail_move', { refs: [ref], to: 'trash' })
  expect([moved.isError, moved.value.code, moved.value.hint]).toEqual([
    true,
    'frozen',
    expect.stringContaining('only a person'),
  ])
  expect((await callTool(client, 'mail_read', { refs: [ref] })).isError).toBe(false)
  expect((await client.listTools()).tools.map(({ name }) => name)).toContain('mail_move')
  // A token cannot unfreeze itself, and undo is a change too.
  expect(codeOf(await people.ask(token.proof, 'DELETE', `${freeze}/${freezeId}`))).toBe('forbidden')
  const undo = `/api/v1/operations/${id}/undo`
  expect(codeOf(await people.ask(token.proof, 'POST', undo, {}))).toBe('frozen')
  const state = async () => (await people.tell<{ state: string }>(admin, 'GET', `/api/v1/operations/${id}`)).state
  expect(await state()).toBe('pending')
  await people.tell(admin, 'DELETE', `${freeze}/${freezeId}`)
  await expect.poll(state).toBe('done')
  const { items: trail } = await people.tell<{ items: { operation: string; outcome: string }[] }>(
    admin,
    'GET',
    `${api.audit.listAudit.path}?operation=freezes.`,
  )
  expect(trail.map(({ operation, outcome }) => [operation, outcome])).toEqual(
    expect.arrayContaining([
      ['freezes.freeze', 'ok'],
      ['freezes.liftFreeze', 'forbidden'],
      ['freezes.liftFreeze', 'ok'],
    ]),
  )
})

test('with reading stopped, what is read ends: requests, searches of all accounts, event streams and exchanges of MCP', async () => {
  const { people, ann, bob } = await startMcpWorld()
  const { admin } = people
  const token = await people.token(['mail:read', 'dashboard:read'], [ann, bob])
  const free = await people.token(['mail:read', 'dashboard:read'], [bob])
  const events = `${people.url}${api.events.streamEvents.path}`
  const [stopped, open] = [await openStream(events, token.proof), await openStream(events, free.proof)]
  for (const stream of [stopped, open]) await stream.next('welcome')
  const { client } = await listen(people, token.proof)
  const { id } = await people.tell<{ id: string }>(admin, 'POST', freeze, { account_id: ann, reads: 'stop' })
  expect((await stopped.next('goodbye')).data).toMatchObject({ reason: 'revoked' })
  await stopped.ended
  const ask = async (path: string, proof = token.proof) => codeOf(await people.ask(proof, 'GET', path))
  const folders = (account: string) => `/api/v1/accounts/${account}/folders`
  const search = '/api/v1/search?q=lunch'
  expect([await ask(folders(ann)), await ask(folders(bob)), await ask(search)]).toEqual(['frozen', 'ok', 'frozen'])
  expect([await ask(folders(bob), free.proof), await ask(search, free.proof), await ask(folders(ann), admin)]).toEqual([
    'ok',
    'ok',
    'ok',
  ])
  expect([await ask(api.events.streamEvents.path), await ask(api.metrics.getStats.path)]).toEqual(['frozen', 'ok'])
  const found = async (input: object) => (await callTool(client, 'mail_search', { q: 'lunch', ...input })).value.code
  expect([await found({}), await found({ account: ann }), await found({ account: bob })]).toEqual([
    'frozen',
    'frozen',
    undefined,
  ])
  await people.tell(admin, 'DELETE', `${freeze}/${id}`)
  expect([await ask(folders(ann)), await ask(search), await found({})]).toEqual(['ok', 'ok', undefined])
  const everything = await people.tell<{ id: string }>(admin, 'POST', freeze, { everything: true, reads: 'stop' })
  expect((await open.next('goodbye')).data).toMatchObject({ reason: 'revoked' })
  expect(await ask(folders(bob), free.proof)).toBe('frozen')
  await expect(client.listTools()).rejects.toThrow()
  await people.tell(admin, 'DELETE', `${freeze}/${everything.id}`)
  const again = await openStream(events, free.proof)
  await again.next('welcome')
  again.close()
})

test.each(['native', 'sdk'])(
  'with reading of an account stopped, nobody is told over MCP with %s that it is there, nor of its mail',
  async adapter => {
    const { people, gateway, ann, bob } = await startMcpWorld({ environment: { RUSTYMAIL_MCP_ADAPTER: adapter } })
    const token = await people.token(['mail:read'], [ann, bob])
    const inboxOf = (account: string) => `mail://${account}/folders/INBOX`
    // A session of 2025 keeps its subscriptions; its stream is reopened.
    const old = await connectMcp(people.url, token.proof, '2025')
    await old.subscribeResource({ uri: inboxOf(ann) })
    await people.tell(people.admin, 'POST', freeze, { account_id: ann, reads: 'stop' })
    const client = await connectMcp(people.url, token.proof)
    await expect(client.listen({ resourceSubscriptions: [inboxOf(ann)] })).rejects.toThrow(/stopped/)
    await expect(old.subscribeResource({ uri: `mail://${ann}` })).rejects.toThrow(/stopped/)
    const { resources } = await client.listResources()
    expect(resources.map(({ uri }) => uri)).toEqual([`mail://${bob}`, inboxOf(bob)])
    const heard: string[] = []
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => void heard.push(params.uri))
    await client.listen({ resourceSubscriptions: [inboxOf(bob)] })
    // Both accounts use this mailbox.
    gateway.deliver({ subject: 'come', text: 'x', from: [{ name: 'Cy', email: 'cy@example.org' }] })
    await expect.poll(() => heard).toContain(inboxOf(bob))
  },
)

test('it works while the database, and so the trail, takes no writes', async () => {
  const opened = Promise.withResolvers<Database>()
  const openDatabaseOf = (observer: DatabaseObserver) => {
    const database = openDatabase('sqlite::memory:', observer)
    opened.resolve(database)
    return database
  }
  const { people } = await startApp({ overrides: { openDatabase: openDatabaseOf } })
  const token = await people.token(['dashboard:admin'])
  const database = await opened.promise
  const setReadOnly = (on: boolean) => sql.raw(`pragma query_only = ${on ? 1 : 0}`).execute(database)
  await setReadOnly(true)
  const stats = api.metrics.getStats.path
  const body = { principal: token.id, reads: 'stop' }
  expect(codeOf(await people.ask(people.admin, 'POST', freeze, body))).toBe('revocation_not_stored')
  expect(codeOf(await people.ask(token.proof, 'GET', stats))).toBe('frozen')
  await setReadOnly(false)
  const list = `${freeze}?active=false`
  await expect
    .poll(async () => (await people.tell<{ items: unknown[] }>(people.admin, 'GET', list)).items.length)
    .toBe(1)
})
