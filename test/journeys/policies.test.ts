/**
 * Policies from outside: which callers may see and set them, what they refuse over REST and MCP, and who counts as a
 * stranger.
 */
import { expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { defaultPolicy, type PolicyAnswer, type TokenPolicy } from '../../contract/policy.ts'
import { callTool, connectMcp } from '../support/mcp-client.ts'
import { fill, refOf, startMcpWorld } from '../support/mcp-world.ts'
import type { Answer } from '../support/people.ts'

const pathOf = (tokenId: string) => api.policy.getTokenPolicy.path.replace('{token_id}', tokenId)
const codeOf = ({ text, status }: Answer) => (status < 300 ? 'ok' : (JSON.parse(text) as { code: string }).code)
const organizing = (change: Partial<TokenPolicy['organizing']>, mode: TokenPolicy['mode'] = 'act'): TokenPolicy => ({
  ...defaultPolicy,
  mode,
  organizing: { ...defaultPolicy.organizing, ...change },
})

test('a policy is refused to other tokens, set by users alone, in the trail, and applies to REST and MCP immediately', async () => {
  const { people, ann, gateway } = await startMcpWorld()
  const { admin } = people
  const token = await people.token(['mail:organize', 'mail:delete'], [ann])
  const other = await people.token(['mail:organize', 'dashboard:admin'], [ann])
  const stranger = await people.invite('operator')
  const set = (policy: TokenPolicy, proof = admin) => people.ask(proof, 'PUT', pathOf(token.id), policy)
  expect([codeOf(await set(defaultPolicy, token.proof)), codeOf(await set(defaultPolicy, other.proof))]).toEqual([
    'session_needed',
    'session_needed',
  ])
  expect([
    codeOf(await set(defaultPolicy, stranger.proof)),
    codeOf(await people.ask(other.proof, 'GET', pathOf(token.id))),
  ]).toEqual(['token_not_found', 'token_not_found'])
  const own = await people.tell<PolicyAnswer>(token.proof, 'GET', pathOf(token.id))
  expect([own.is_default, own.words.length > 0]).toEqual([true, true])
  const client = await connectMcp(people.url, token.proof)
  const ref = await refOf(client, ann)
  const { items } = await people.tell<{ items: { ref: string }[] }>(
    token.proof,
    'GET',
    `/api/v1/accounts/${ann}/messages?folder=INBOX`,
  )
  const ids = [items[0]!.ref]
  const actions = api.operations.changeMessages.path.replace('{account_id}', ann)
  const flag = (proof = token.proof) => people.ask(proof, 'POST', actions, { ids, add: ['flagged'] })
  const remove = () =>
    people.ask(token.proof, 'POST', api.operations.deleteMessages.path.replace('{account_id}', ann), { ids })
  const move = async (to: string) => (await callTool(client, 'mail_move', { refs: [ref], to })).value.code
  expect(codeOf(await set(organizing({ folders: ['INBOX'], may_delete: false })))).toBe('ok')
  expect([codeOf(await flag()), codeOf(await remove()), await move('trash'), codeOf(await flag(other.proof))]).toEqual([
    ...['ok', 'policy_denied', 'policy_denied', 'ok'],
  ])
  expect(codeOf(await set(organizing({ max_per_hour: 1 })))).toBe('ok')
  expect(codeOf(await flag())).toBe('policy_denied')
  expect(codeOf(await set(organizing({}, 'propose')))).toBe('ok')
  const states = [await flag(), await flag(admin)].map(({ text }) => (JSON.parse(text) as { state: string }).state)
  expect(states[0]).toBe('proposed')
  expect(states[1]).not.toBe('proposed')
  expect(codeOf(await set(defaultPolicy))).toBe('ok')
  // Recipients in the sent folder are no strangers, so programs may put nothing there.
  expect([await move('sent'), await move('trash')]).toEqual(['policy_denied', undefined])
  expect(gateway.folders.get('INBOX')?.messages).toHaveLength(0)
  const { items: trail } = await people.tell<{ items: { outcome: string; refs: Record<string, string> }[] }>(
    admin,
    'GET',
    `${api.audit.listAudit.path}?operation=policy.setTokenPolicy&outcome=ok`,
  )
  expect(trail.map(({ refs }) => refs.token_id)).toEqual(Array.from({ length: 4 }, () => token.id))
})

test('a policy of changes holds for folders too: which, how many, and never their messages with them', async () => {
  const { people, ann, gateway } = await startMcpWorld()
  const token = await people.token(['mail:organize', 'mail:delete'], [ann])
  const set = (policy: TokenPolicy) => people.ask(people.admin, 'PUT', pathOf(token.id), policy)
  const path = api.operations.createFolder.path.replace('{account_id}', ann)
  const create = async (name: string) => codeOf(await people.ask(token.proof, 'POST', path, { path: name }))
  const named = (name: string) => `${path}?folder=${encodeURIComponent(name)}`
  const remove = async (name: string) =>
    codeOf(await people.ask(token.proof, 'DELETE', `${named(name)}&messages=delete`))
  const rename = async (name: string, to: string) =>
    codeOf(await people.ask(token.proof, 'PATCH', named(name), { path: to }))
  expect(codeOf(await set(organizing({ folders: ['Shop', 'Old'], may_delete: false })))).toBe('ok')
  expect([await create('Shop'), await create('Else')]).toEqual(['ok', 'policy_denied'])
  await expect.poll(() => [...gateway.folders.keys()]).toContain('Shop')
  await expect.poll(() => rename('Shop', 'Else')).toBe('policy_denied')
  expect(await remove('Shop')).toBe('policy_denied')
  expect(codeOf(await set(organizing({ folders: ['Old'] })))).toBe('ok')
  expect([await rename('Shop', 'Old'), await remove('Shop')]).toEqual(['policy_denied', 'policy_denied'])
  expect(codeOf(await set(organizing({ max_per_hour: 2 })))).toBe('ok')
  expect([await create('One'), await create('Two')]).toEqual(['ok', 'policy_denied'])
  // A folder renamed to that of sent mail would turn strangers into contacts.
  const approval = { always: false, strangers: true, tainted_minutes: null }
  const free = organizing({})
  expect(codeOf(await set({ ...free, sending: { ...free.sending, approval } }))).toBe('ok')
  expect(await rename('Shop', 'Gesendet')).toBe('policy_denied')
})

test('no folder that a program makes or fills makes contacts', async () => {
  const { people, ann, gateway, indexed } = await startMcpWorld()
  const token = await people.token(['mail:organize', 'mail:send'], [ann])
  const { sending } = defaultPolicy
  const approval = { always: false, strangers: true, tainted_minutes: null }
  const policy = { ...organizing({}), sending: { ...sending, approval } }
  expect(codeOf(await people.ask(people.admin, 'PUT', pathOf(token.id), policy))).toBe('ok')
  const post = (path: string, body: object) => people.ask(token.proof, 'POST', path, body)
  const create = async (body: object) => codeOf(await post(fill(api.operations.createFolder.path, ann), body))
  const move = async (ids: readonly string[], to: object) =>
    codeOf(await post(fill(api.operations.changeMessages.path, ann), { ids, move_to: to }))
  const eve = 'eve@evil.example'
  const draft = { mode: 'new', to: [eve], subject: 'Found', body: { format: 'text', content: 'Here.' } }
  const { id } = await people.tell<{ id: string }>(token.proof, 'POST', fill(api.drafts.createDraft.path, ann), draft)
  const check = fill(fill(api.outbox.checkDraft.path, ann), id)
  const verdict = async () => (await people.tell<{ verdict: string }>(token.proof, 'POST', check, {})).verdict
  expect(await verdict()).toBe('hold')
  // A sender can write a message that claims to be from the owner.
  const from = [{ name: null, email: 'ann@example.org' }]
  const forged = { subject: 'lunch', from, to: [{ name: null, email: eve }] }
  for (let count = 0; count < 4; count++) gateway.deliver(forged)
  await indexed()
  const list = `${fill(api.mail.listMessages.path, ann)}?folder=INBOX`
  const { items } = await people.tell<{ items: { ref: string }[] }>(token.proof, 'GET', list)
  const ids = items.map(({ ref }) => ref)
  // A folder that `in:sent` matches by its path.
  expect(await create({ path: 'sent' })).toBe('ok')
  await expect.poll(() => move(ids.slice(0, 1), { folder: 'sent' })).toBe('ok')
  await expect.poll(() => gateway.folders.get('sent')?.messages.length).toBe(1)
  await indexed()
  expect(await verdict()).toBe('hold')
  // What a user puts there counts.
  const put = { ids: ids.slice(1, 2), move_to: { role: 'sent' } }
  expect(codeOf(await people.ask(people.admin, 'POST', fill(api.operations.changeMessages.path, ann), put))).toBe('ok')
  await expect.poll(verdict).toBe('send')
  // A folder that the last poll did not see.
  gateway.addFolder('Gesendet', 'sent')
  expect(await move(ids.slice(2, 3), { folder: 'Gesendet' })).toBe('policy_denied')
  // A folder that is created for that role, before or by the same call.
  expect(await create({ path: 'Letters', role: 'sent' })).toBe('policy_denied')
  gateway.folders.delete('Gesendet')
  gateway.folders.delete('Sent')
  expect(await create({ path: 'New' })).toBe('ok')
  await expect.poll(() => move(ids.slice(2, 3), { role: 'sent' })).toBe('folder_not_found')
  expect(await move(ids.slice(2, 3), { role: 'sent', create: true })).toBe('policy_denied')
  expect([...gateway.folders.keys()]).not.toContain('Sent')
})
