/** What an administrator's token created outlives it, unless ended with it; and nothing is created after that. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { type People, type Proof, runApp, startApp } from '../support/people.ts'
import { administrator } from '../support/signed-in.ts'

const password = 'letters sleep in quiet drawers'
const fill = (path: string, id: string) => path.replace(/\{\w+\}/, id)

interface Made {
  items: { user_id: string; email: string; deeds: string[]; sessions: number; tokens: number; status: string }[]
}

let people: People
let stop: () => Promise<void>
beforeAll(async () => {
  const running = await runApp({ overrides: { gateway: new MemoryGateway() } })
  people = running.people
  stop = running.stop
})
afterAll(() => stop())

const whoAmI = async (proof: Proof) => (await people.ask(proof, 'GET', api.access.getSession.path)).status
const madeBy = (id: string) => people.tell<Made>(people.admin, 'GET', fill(api.tokens.listMadeByToken.path, id))
const revoke = (id: string, query = '') =>
  people.ask(people.admin, 'DELETE', fill(api.tokens.revokeToken.path, id) + query)
const signIn = async (email: string, word = password) =>
  (await people.ask({}, 'POST', api.access.openSession.path, { email, password: word })).status
const change = (proof: Proof, id: string, body: object) =>
  people.tell(proof, 'PATCH', fill(api.users.changeUser.path, id), body)

/** Signs up by the token's link, as anyone who holds the token could. */
async function enterBy(link: string): Promise<Proof> {
  const given = { link_token: link.split('#')[1], password }
  const { status, headers } = await people.ask({}, 'POST', api.users.acceptLink.path, given)
  expect(status).toBe(201)
  return { cookie: headers.getSetCookie()[0]!.split(';')[0]!, origin: people.url }
}

let invited = 0
/** An address is invited once, so a retried test has others. */
const addressOf = (name: string) => `${name}-${++invited}@example.com`
const invite = (proof: Proof, email: string) =>
  people.tell<{ user: { id: string; email: string }; link: string }>(proof, 'POST', api.users.inviteUser.path, {
    email,
    name: 'Mallory',
    role: 'viewer',
    accounts: [],
  })
const reset = (proof: Proof, id: string) =>
  people.tell<{ link: string }>(proof, 'POST', fill(api.users.resetUser.path, id), { revoke_tokens: false })

/** A leaked token, and everything that can be done with it. */
async function leak(name: string) {
  const token = await people.token(['dashboard:admin'])
  const invited = await invite(token.proof, addressOf(`${name}-mole`))
  const mole = await enterBy(invited.link)
  const wanted = { name: 'Later', scopes: ['dashboard:read'], accounts: [] }
  const later = await people.tell<{ token: string }>(mole, 'POST', api.tokens.createToken.path, wanted)
  const victim = await people.invite('viewer', [])
  const victims = await enterBy((await reset(token.proof, victim.userId)).link)
  const raised = await people.invite('viewer', [])
  await change(token.proof, raised.userId, { disabled: true })
  await change(token.proof, raised.userId, { disabled: false })
  const waiting = await invite(token.proof, addressOf(`${name}-waiting`))
  const innocent = await people.invite('viewer', [])
  await change(token.proof, innocent.userId, { name: 'Renamed' })
  const spare: Proof = { authorization: `Bearer ${later.token}` }
  return { token, invited, mole, spare, victim, victims, raised, waiting, innocent }
}

test('before it is revoked the users that it invited, reset and raised are shown, and what these have open', async () => {
  const { token, invited, victim, raised, waiting } = await leak('told')
  const { items } = await madeBy(token.id)
  const told = items.map(({ user_id, deeds, sessions, tokens, status }) => [user_id, deeds, sessions, tokens, status])
  expect(told).toEqual([
    [invited.user.id, ['invited'], 1, 1, 'active'],
    [victim.userId, ['reset'], 1, 0, 'active'],
    [raised.userId, ['raised'], 0, 0, 'active'],
    [waiting.user.id, ['invited'], 0, 0, 'invited'],
  ])
  const reader = await people.token(['dashboard:operate'])
  expect((await people.ask(reader.proof, 'GET', fill(api.tokens.listMadeByToken.path, token.id))).status).toBe(403)
  expect((await people.ask(people.admin, 'GET', fill(api.tokens.listMadeByToken.path, 'none'))).status).toBe(404)
})

test('revoked alone, all of it lives on', async () => {
  const { token, mole, spare, victims } = await leak('alone')
  expect((await revoke(token.id)).status).toBe(204)
  expect([await whoAmI(token.proof), await whoAmI(mole), await whoAmI(spare), await whoAmI(victims)]).toEqual([
    401, 200, 200, 200,
  ])
})

test('revoked with what it made, sessions, tokens, links and passwords that came of it are shut, and stay so when somebody is enabled', async () => {
  const all = await leak('ended')
  const { token, mole, spare, victims, victim, raised, innocent, invited, waiting } = all
  const mine = await people.token(['dashboard:read'])
  expect((await revoke(token.id, '?end_made=true')).status).toBe(204)
  const shut = [token.proof, mole, spare, victims, raised.proof]
  expect(await Promise.all(shut.map(whoAmI))).toEqual([401, 401, 401, 401, 401])
  expect(await Promise.all([people.admin, mine.proof, innocent.proof].map(whoAmI))).toEqual([200, 200, 200])
  expect([await signIn(invited.user.email), await signIn(victim.email)]).toEqual([401, 401])
  const link = { link_token: waiting.link.split('#')[1], password }
  for (const id of [invited.user.id, victim.userId, waiting.user.id])
    await change(people.admin, id, { disabled: false })
  expect([await signIn(invited.user.email), await signIn(victim.email)]).toEqual([401, 401])
  expect((await people.ask({}, 'POST', api.users.acceptLink.path, link)).text).toContain('link_invalid')
  expect(await whoAmI(spare)).toBe(401)
  // A promoted user had ways in of their own, which work again.
  await change(people.admin, raised.userId, { disabled: false })
  expect(await signIn(raised.email, administrator.password)).toBe(201)

  const path = `${api.audit.listAudit.path}?operation=tokens.revokeToken&limit=1`
  const { items } = await people.tell<{ items: { refs: Record<string, string> }[] }>(people.admin, 'GET', path)
  expect(items[0]?.refs).toMatchObject({ token_id: token.id, ended: '4' })
  expect(items[0]?.refs.ended_users?.split(' ').sort()).toEqual(
    [invited.user.id, victim.userId, raised.userId, waiting.user.id].sort(),
  )
})

/** Ways in which a maker ends, and its credentials for creating users. */
const makers: Record<string, () => Promise<{ proof: Proof; end(): Promise<{ status: number }> }>> = {
  'a token that is revoked': async () => {
    const { id, proof } = await people.token(['dashboard:admin'])
    return { proof, end: () => revoke(id, '?end_made=true') }
  },
  'a person who is deleted': async () => {
    const { userId, proof } = await people.invite('administrator')
    const path = `${fill(api.users.deleteUser.path, userId)}?end_made=true`
    return { proof, end: () => people.ask(people.admin, 'DELETE', path) }
  },
}
test.each(Object.entries(makers))(
  'nothing is made while a caller ends %s: what was begun at the same moment is ended too, or not done',
  async (name, start) => {
    for (let round = 0; round < 3; round++) {
      const { proof, end } = await start()
      const prefix = `${addressOf(name.replaceAll(' ', '-')).replace(/@.*/, '')}-`
      const inviting = Array.from({ length: 12 }, (_, index) => {
        const wanted = { email: `${prefix}${index}@example.com`, name: 'Racer', role: 'viewer', accounts: [] }
        return people.ask(proof, 'POST', api.users.inviteUser.path, wanted)
      })
      // After one of them succeeded, so that some come before the end and some after it.
      await inviting[round]
      expect((await end()).status).toBe(204)
      const answers = await Promise.all(inviting)
      expect(answers.filter(({ status }) => status !== 201 && status !== 401)).toEqual([])
      const { items } = await people.tell<{ items: { email: string; status: string }[] }>(
        people.admin,
        'GET',
        api.users.listUsers.path,
      )
      const racers = items.filter(({ email }) => email.startsWith(prefix))
      expect(racers.length).toBe(answers.filter(({ status }) => status === 201).length)
      expect(new Set(racers.map(({ status }) => status))).toEqual(new Set(['disabled']))
    }
  },
)

test('only an administrator ends what a token made', async () => {
  const viewer = await people.invite('viewer', [])
  const wanted = { name: 'Own', scopes: ['dashboard:read'], accounts: [] }
  const own = await people.tell<{ info: { id: string } }>(viewer.proof, 'POST', api.tokens.createToken.path, wanted)
  const path = fill(api.tokens.revokeToken.path, own.info.id)
  expect((await people.ask(viewer.proof, 'DELETE', `${path}?end_made=true`)).status).toBe(403)
  expect((await people.ask(people.admin, 'DELETE', `${path}?end_made=maybe`)).status).toBe(400)
  expect((await people.ask(viewer.proof, 'DELETE', path)).status).toBe(204)
})

test('the last administrator who can sign in stays, and so does the token then, with everybody it made', async () => {
  const apiKey = 'a-key-of-the-environment'
  const { people: here } = await startApp({ environment: { RUSTYMAIL_API_KEY: apiKey } })
  const key = { authorization: `Bearer ${apiKey}` }
  const { principal } = await here.tell<{ principal: { user_id: string } }>(
    here.admin,
    'GET',
    api.access.getSession.path,
  )
  const boss = await here.invite('viewer', [])
  const wanted = { name: 'Leaked', scopes: ['dashboard:admin'], accounts: [] }
  const token = await here.tell<{ token: string; info: { id: string } }>(
    here.admin,
    'POST',
    api.tokens.createToken.path,
    wanted,
  )
  const proof = { authorization: `Bearer ${token.token}` }
  const reset = await here.ask(proof, 'POST', fill(api.users.resetUser.path, boss.userId), { revoke_tokens: false })
  const { link } = JSON.parse(reset.text)
  const given = { link_token: link.split('#')[1], password }
  expect((await here.ask({}, 'POST', api.users.acceptLink.path, given)).status).toBe(201)
  await here.tell(key, 'PATCH', fill(api.users.changeUser.path, boss.userId), { role: 'administrator' })
  await here.tell(key, 'PATCH', fill(api.users.changeUser.path, principal.user_id), { disabled: true })
  const path = fill(api.tokens.revokeToken.path, token.info.id)
  const refused = await here.ask(key, 'DELETE', `${path}?end_made=true`)
  expect([refused.status, refused.text]).toEqual([409, expect.stringContaining('last_administrator')])
  const { items } = await here.tell<{ items: unknown[] }>(key, 'GET', api.tokens.listTokens.path)
  expect(items).toHaveLength(1)
  const signIn = { email: boss.email, password }
  expect((await here.ask({}, 'POST', api.access.openSession.path, signIn)).status).toBe(201)
})

test('users that somebody made by their tokens and in person are shown, and go with them when that is wanted', async () => {
  const boss = await people.invite('administrator')
  const wanted = { name: 'Boss', scopes: ['dashboard:admin'], accounts: [] }
  const token = await people.tell<{ token: string }>(boss.proof, 'POST', api.tokens.createToken.path, wanted)
  const one = await invite({ authorization: `Bearer ${token.token}` }, addressOf('by-token'))
  const two = await invite(boss.proof, addressOf('in-person'))
  const [first, second] = [await enterBy(one.link), await enterBy(two.link)]
  const path = fill(api.users.listMadeByUser.path, boss.userId)
  const { items } = await people.tell<Made>(people.admin, 'GET', path)
  expect(items.map(({ email }) => email)).toEqual([one.user.email, two.user.email])
  const gone = await people.ask(people.admin, 'DELETE', `${fill(api.users.deleteUser.path, boss.userId)}?end_made=true`)
  expect(gone.status).toBe(204)
  expect([await whoAmI(boss.proof), await whoAmI(first), await whoAmI(second)]).toEqual([401, 401, 401])
  expect(await whoAmI(people.admin)).toBe(200)
})

test('a link ends when its user is disabled, and does not come back with them', async () => {
  const { user, link } = await invite(people.admin, addressOf('link'))
  await change(people.admin, user.id, { disabled: true })
  await change(people.admin, user.id, { disabled: false })
  const given = { link_token: link.split('#')[1], password }
  expect((await people.ask({}, 'POST', api.users.acceptLink.path, given)).text).toContain('link_invalid')
})
