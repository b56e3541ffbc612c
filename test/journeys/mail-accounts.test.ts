/** A mail token learns which accounts it may use and what for, and nothing of the servers behind them. */
import { expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { isMailScope, type Scope, scopes, unusedScopes } from '../../contract/scope.ts'
import type { ApiToken } from '../../contract/tokens.ts'
import { type People, type Proof, startApp } from '../support/people.ts'

const path = api.accounts.listMailAccounts.path
const tokens = api.tokens.createToken.path

/** Adds an account without verification: nothing listens at its servers. */
async function connect(people: People, local: string): Promise<string> {
  const server = { host: '127.0.0.1', port: 1, tls: 'none', user: local, password: 'hidden-password' }
  const input = { name: `Mail of ${local}`, email: `${local}@example.org`, imap: server, enabled: false }
  const { id } = await people.tell<{ id: string }>(
    people.admin,
    'POST',
    `${api.accounts.createAccount.path}?verify=false`,
    input,
  )
  return id
}

async function setUp() {
  const { people } = await startApp()
  const [ann, bob] = [await connect(people, 'ann'), await connect(people, 'bob')]
  const list = async (proof: Proof) => {
    const answer = await people.ask(proof, 'GET', path)
    return { status: answer.status, body: JSON.parse(answer.text) }
  }
  return { people, ann, bob, list }
}

test('each scope of mail lists the accounts of the token, with what can be done there now', async () => {
  const { people, ann, list } = await setUp()
  const may: Record<string, Scope[]> = {
    'mail:meta': ['mail:meta'],
    'mail:read': ['mail:meta', 'mail:read'],
    'mail:organize': ['mail:meta', 'mail:read', 'mail:organize'],
    'mail:draft': ['mail:meta', 'mail:read', 'mail:organize', 'mail:draft'],
    'mail:send': ['mail:meta', 'mail:read', 'mail:organize', 'mail:draft', 'mail:send'],
  }
  for (const [scope, can] of Object.entries(may)) {
    const { proof } = await people.token([scope as Scope], [ann])
    const account = { id: ann, name: 'Mail of ann', email: 'ann@example.org', state: 'disabled', can }
    // Nothing else: no server, no user, no error, no connection counts.
    expect(await list(proof)).toEqual({ status: 200, body: { items: [account], next_cursor: null } })
  }
})

test('callers that see all accounts list all, those that see none list none, and those without a mail scope are told which', async () => {
  const { people, ann, bob, list } = await setUp()
  const idsOf = async (proof: Proof) => (await list(proof)).body.items.map(({ id }: { id: string }) => id)
  expect(await idsOf(people.admin)).toEqual([ann, bob])
  expect(await idsOf((await people.invite('operator', [bob])).proof)).toEqual([bob])
  expect(await idsOf((await people.token(['mail:read'])).proof)).toEqual([])
  const { proof } = await people.token(['dashboard:admin'], [ann])
  expect(await list(proof)).toMatchObject({ status: 403, body: { code: 'forbidden', missing_scope: 'mail:meta' } })
})

test('a new token for mail names an account; one that lost them all stays, and can be changed', async () => {
  const { people, ann, list } = await setUp()
  const make = (wanted: object) => people.ask(people.admin, 'POST', tokens, { name: 'Bot', ...wanted })
  for (const scope of scopes.filter(isMailScope)) {
    const refused = await make({ scopes: ['dashboard:read', scope], accounts: [] })
    expect([refused.status, JSON.parse(refused.text)]).toMatchObject([
      400,
      { code: 'bad_request', errors: [{ path: 'body.accounts' }] },
    ])
  }
  expect((await make({ scopes: ['dashboard:read'], accounts: [] })).status).toBe(201)
  expect(JSON.parse((await people.ask(people.admin, 'GET', tokens)).text).items).toHaveLength(1)
  const { id, proof } = await people.token(['mail:read'], [ann])
  const change = (change: object) => people.tell<ApiToken>(people.admin, 'PATCH', `${tokens}/${id}`, change)
  expect(await change({ accounts: [] })).toMatchObject({ accounts: [] })
  expect((await list(proof)).body.items).toEqual([])
  expect(await change({ name: 'Renamed', scopes: ['mail:meta'] })).toMatchObject({ name: 'Renamed', accounts: [] })
})

test('a scope counts as unused only as long as no endpoint asks for it', () => {
  const asked = new Set<string>(Object.values(api).flatMap(part => Object.values(part).map(({ scope }) => scope)))
  expect(unusedScopes).toEqual(scopes.filter(scope => !asked.has(scope)))
})
