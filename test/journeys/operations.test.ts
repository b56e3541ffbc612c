/** Changing mail over REST and MCP: for callers with the scope and the account only, on every path. */
import { expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import type { Operation, OperationWithResults, UndoReport } from '../../contract/operations.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { callTool, connectMcp } from '../support/mcp-client.ts'
import { openStream } from '../support/open-stream.ts'
import { patience } from '../support/patience.ts'
import { type Proof, startApp } from '../support/people.ts'

const operations = api.operations
const ever = '2020-01-01T00:00:00.000Z'

async function setUp(environment: Record<string, string> = {}) {
  const gateway = new MemoryGateway()
  for (const subject of ['one', 'two', 'three']) gateway.deliver({ subject, messageId: `<${subject}@x>` })
  const { people } = await startApp({
    environment: { RUSTYMAIL_INDEX: 'headers', ...environment },
    overrides: { gateway },
  })
  const connect = async (user: string) => {
    const imap = { host: '127.0.0.1', port: 143, tls: 'none', user, password: 'secret' }
    const body = { email: `${user}@example.org`, imap }
    return (await people.tell<{ id: string }>(people.admin, 'POST', api.accounts.createAccount.path, body)).id
  }
  const [own, other] = [await connect('ann'), await connect('eve')]
  const fill = (path: string, id: string) => path.replace(/\{\w+\}/, id)
  const messages = async (id: string) => {
    const path = `${fill(api.mail.listMessages.path, id)}?folder=INBOX`
    const { items } = await people.tell<{ items: { subject: string; ref: string; id?: string }[] }>(
      people.admin,
      'GET',
      path,
    )
    return new Map(items.map(item => [item.subject, item]))
  }
  const ask = async (proof: Proof, method: string, path: string, body?: unknown) => {
    const { status, text } = await people.ask(proof, method, path, body)
    return { status, body: text === '' ? undefined : JSON.parse(text) }
  }
  const act = (proof: Proof, account: string, body: object, headers: Proof = {}) =>
    ask({ ...proof, ...headers }, 'POST', fill(operations.changeMessages.path, account), body)
  const get = async (id: string) =>
    people.tell<OperationWithResults>(people.admin, 'GET', fill(operations.getOperation.path, id))
  const settled = async (id: string) => {
    await expect.poll(async () => (await get(id)).state, { timeout: patience }).not.toBe('pending')
    return get(id)
  }
  const subjects = (path: string) => gateway.getFolder(path).messages.map(({ subject }) => subject)
  return { gateway, people, own, other, fill, messages, ask, act, get, settled, subjects }
}

test('messages are changed by id and by reference, lists follow at once, and an agent is undone by a person', async () => {
  const { gateway, people, own, messages, ask, act, settled, subjects } = await setUp()
  const agent = await people.token(['mail:organize'], [own])
  await expect
    .poll(async () => [...(await messages(own)).values()].every(({ id }) => id), { timeout: patience })
    .toBe(true)
  const listed = await messages(own)
  const [one, two] = [listed.get('one')!, listed.get('two')!]
  const stream = await openStream(`${people.url}/api/dashboard/events?types=operation_changed`, { ...agent.proof })
  await stream.next('welcome')
  const moved = await act(agent.proof, own, { ids: [one.id, two.ref], move_to: { role: 'archive' } })
  expect(moved).toMatchObject({
    status: 202,
    body: { kind: 'move', state: 'pending', counts: { total: 2, waiting: 2 } },
  })
  const flagged = await act(agent.proof, own, { ids: [one.id, 'AAAAAAAAAAAAAAAAAAAA'], add: ['flagged', 'urgent'] })
  expect(await settled(moved.body.id)).toMatchObject({ state: 'done', principal: { kind: 'token' } })
  expect(await settled(flagged.body.id)).toMatchObject({
    state: 'partial',
    results: [{ state: 'done' }, { state: 'failed' }],
  })
  expect(subjects('Archive')).toEqual(['one', 'two'])
  expect(gateway.getFolder('Archive').messages[0]).toMatchObject({ flags: ['flagged'], keywords: ['urgent'] })
  const states = () => stream.events.filter(({ event }) => event === 'operation_changed').map(({ data }) => data)
  await expect.poll(() => states().length, { timeout: patience }).toBe(4)
  stream.close()
  // Long before the index polls all folders by itself.
  await expect.poll(async () => [...(await messages(own)).keys()], { timeout: patience }).toEqual(['three'])

  const { principal } = await settled(moved.body.id)
  const undo = { principal: principal.id, since: ever }
  const shown = await ask(people.admin, 'POST', operations.undoOperations.path, undo)
  expect(shown).toMatchObject({
    status: 200,
    body: { dry_run: true, undone: [{ will_change: 1 }, { will_change: 2 }] },
  })
  expect(subjects('INBOX')).toEqual(['three'])
  const done = await ask(people.admin, 'POST', operations.undoOperations.path, { ...undo, dry_run: false })
  for (const { undo: each } of (done.body as UndoReport).undone) await settled(each!.id)
  expect(subjects('INBOX').toSorted()).toEqual(['one', 'three', 'two'])
  expect(gateway.getFolder('INBOX').messages.flatMap(({ flags, keywords }) => [...flags, ...keywords])).toEqual([])

  const trail = await people.tell<{ items: { operation: string; refs: object }[] }>(
    people.admin,
    'GET',
    `${api.audit.listAudit.path}?limit=50`,
  )
  const entry = (name: string) => trail.items.find(({ operation }) => operation === name)?.refs
  expect(entry('operations.undoOperations')).toMatchObject({
    dry_run: 'false',
    undone_principal: principal.id,
    operations: '2',
  })
  expect(entry('operations.changeMessages')).toMatchObject({
    operation_id: flagged.body.id,
    kind: 'flags',
    messages: '2',
  })
})

test('without the scope or the account nothing is changed, seen or undone', async () => {
  const { people, own, other, fill, messages, ask, act, settled, subjects } = await setUp({ RUSTYMAIL_INDEX: 'off' })
  const { ref } = (await messages(own)).get('one')!
  const foreign = (await messages(other)).get('one')!.ref
  const archive = { ids: [ref], move_to: { role: 'archive' } }
  const reader = await people.token(['mail:read'], [own])
  const agent = await people.token(['mail:send', 'dashboard:admin'], [own])
  const other_ = await people.token(['mail:send', 'mail:delete'], [other])
  const viewer = await people.invite('operator', [other])
  expect(await act(reader.proof, own, archive)).toMatchObject({ status: 403, body: { missing_scope: 'mail:organize' } })
  for (const caller of [other_, viewer]) expect((await act(caller.proof, own, archive)).status).toBeOneOf([403, 404])
  // A ref belongs to one account, and matches nothing in another one.
  const mixed = await act(agent.proof, own, { ids: [foreign], move_to: { role: 'archive' } })
  expect(mixed.body).toMatchObject({ state: 'failed', results: [{ code: 'message_not_found' }] })
  const remove = (proof: Proof, id: string, ids: string[]) =>
    ask(proof, 'POST', fill(operations.deleteMessages.path, id), { ids })
  expect(await remove(agent.proof, own, [ref])).toMatchObject({ status: 403, body: { missing_scope: 'mail:delete' } })
  expect((await remove(other_.proof, own, [ref])).status).toBe(404)
  // Nor through a flag.
  expect((await act(agent.proof, own, { ids: [ref], add: ['deleted'] })).status).toBe(400)
  expect((await act(agent.proof, own, { ids: [ref], add: ['Deleted'] })).status).toBe(400)
  expect((await act(agent.proof, own, { ids: [ref], add: ['\\Deleted'] })).status).toBe(400)
  expect(subjects('INBOX')).toEqual(['one', 'two', 'three'])

  const { body } = await act(people.admin, own, { ids: [ref], add: ['flagged'] })
  await settled((body as Operation).id)
  const one = (path: string) => fill(path, (body as Operation).id)
  for (const { proof } of [reader, agent, other_, viewer]) {
    expect((await ask(proof, 'GET', one(operations.getOperation.path))).status).toBe(404)
    expect((await ask(proof, 'POST', one(operations.undoOperation.path), {})).status).toBe(404)
    const listed = await ask(proof, 'GET', operations.listOperations.path)
    expect(listed.body.items.map(({ id }: Operation) => id)).not.toContain((body as Operation).id)
    const all = await ask(proof, 'POST', operations.undoOperations.path, {
      principal: (body as Operation).principal.id,
      since: ever,
      dry_run: false,
    })
    expect(all.status === 403 || all.body.undone.length === 0).toBe(true)
  }
  const watching = await openStream(`${people.url}/api/dashboard/events`, { ...other_.proof })
  await watching.next('welcome')
  await settled(((await act(people.admin, own, { ids: [ref], remove: ['flagged'] })).body as Operation).id)
  await settled(((await act(people.admin, other, { ids: [foreign], remove: ['flagged'] })).body as Operation).id)
  const seen = () =>
    watching.events.flatMap(({ event, data }) =>
      event === 'operation_changed' ? [data as { account_id: string }] : [],
    )
  await expect.poll(() => seen().length, { timeout: patience }).toBe(2)
  expect(seen().every(({ account_id }) => account_id === other)).toBe(true)
  watching.close()
})

test('what is asked for wrongly is a clear error, and changes nothing', async () => {
  const { people, own, messages, act, subjects } = await setUp({ RUSTYMAIL_INDEX: 'off' })
  const { ref } = (await messages(own)).get('one')!
  const bodies: object[] = [
    {},
    { ids: [] },
    { ids: [ref] },
    { ids: [ref, ref], add: ['seen'] },
    { ids: [ref], add: ['seen'], remove: ['seen'] },
    { ids: [ref], add: ['seen'], move_to: { role: 'archive' } },
    { ids: [ref], add: ['two words'] },
    { ids: [ref], add: ['x'.repeat(101)] },
    { ids: [ref], move_to: { role: 'archive', folder: 'Archive' } },
    { ids: [ref], move_to: { folder: 'A\r\nB' } },
    { ids: Array.from({ length: 1_001 }, (_, index) => `${ref}${index}`), add: ['seen'] },
  ]
  for (const body of bodies) expect([body, (await act(people.admin, own, body)).status]).toEqual([body, 400])
  const nowhere = await act(people.admin, own, { ids: [ref], move_to: { folder: 'Nowhere' } })
  expect(nowhere).toMatchObject({ status: 404, body: { code: 'folder_not_found' } })
  const wanted = { ids: [ref], add: ['seen'] }
  const key = { 'idempotency-key': 'k1' }
  const [first, second] = [await act(people.admin, own, wanted, key), await act(people.admin, own, wanted, key)]
  expect(second.body.id).toBe(first.body.id)
  const reused = await act(people.admin, own, { ids: [ref], add: ['flagged'] }, key)
  expect(reused).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } })
  expect(subjects('INBOX')).toEqual(['one', 'two', 'three'])
})

test('an agent marks and moves mail by its refs, and is told what failed', async () => {
  const { gateway, people, own, messages, subjects } = await setUp({ RUSTYMAIL_INDEX: 'off' })
  const { proof } = await people.token(['mail:organize'], [own])
  const listed = await messages(own)
  const refs = ['one', 'two'].map(subject => `${own}.${listed.get(subject)!.ref}`)
  gateway.getFolder('INBOX').messages.splice(1, 1)
  const mcp = await connectMcp(people.url, proof)
  const marked = await callTool(mcp, 'mail_update', { refs, add: ['seen', 'todo'] })
  expect(marked.value).toMatchObject({
    ok: 1,
    failed: [{ ref: refs[1], why: 'The message no longer exists.' }],
    undo: expect.stringMatching(/^[0-9a-z]{16}$/),
  })
  const moved = await callTool(mcp, 'mail_move', { refs: refs.slice(0, 1), to: 'archive' })
  expect(moved.value).toMatchObject({ ok: 1 })
  expect(subjects('Archive')).toEqual(['one'])
  const nowhere = await callTool(mcp, 'mail_move', { refs: refs.slice(0, 1), to: 'nowhere' })
  expect(nowhere).toMatchObject({
    isError: true,
    value: { code: 'folder_not_found', hint: 'mail_folders lists the folders.' },
  })
  const refused = await callTool(mcp, 'mail_update', { refs, add: ['deleted'] })
  expect(refused).toMatchObject({ isError: true, value: { code: 'bad_request' } })
  expect(refused.text).toContain('cannot mark messages as deleted')
  // Otherwise it would be a keyword, which no program treats as a flag.
  const read = await callTool(mcp, 'mail_update', { refs, add: ['Read'], remove: ['starred'] })
  expect(read).toMatchObject({ isError: true, value: { code: 'bad_request' } })
  expect(read.value.message).toBe(
    'add.0: use the flag seen: add it to mark as read, remove it to mark as unread; remove.0: use the flag flagged for a star',
  )
})

test('each run of an MCP client is a session of work, as is one that a caller names; each is listed and undone alone', async () => {
  const { people, own, messages, ask, act, settled, subjects } = await setUp()
  const { proof } = await people.token(['mail:organize'], [own])
  const refs = [...(await messages(own)).values()].map(({ ref }) => ref)
  const moveBy = async (client: Awaited<ReturnType<typeof connectMcp>>, ref: string) => {
    const { value } = await callTool(client, 'mail_move', { refs: [`${own}.${ref}`], to: 'archive' })
    return settled(value.undo as string)
  }
  const [first, second] = [await connectMcp(people.url, proof, '2025'), await connectMcp(people.url, proof, '2025')]
  const runs = [await moveBy(first, refs[0]!), await moveBy(second, refs[1]!)]
  const sessions = runs.map(({ session }) => session!)
  expect(sessions).toEqual([expect.stringMatching(/^mcp-[\w-]{36,60}$/), expect.stringMatching(/^mcp-[\w-]{36,60}$/)])
  expect(new Set(sessions).size).toBe(2)
  // Before the protocol of 2026 only clients with a session have one automatically.
  const named = { 'RustyMail-Session': 'tidy-up' }
  const modern = await connectMcp(people.url, { ...proof, ...named })
  expect((await moveBy(modern, refs[2]!)).session).toBe('tidy-up')
  const plain = await act(proof, own, { ids: [refs[2]], add: ['flagged'] })
  expect(plain).toMatchObject({ status: 202, body: { session: null } })
  const flagged = await act(proof, own, { ids: [refs[2]], add: ['seen'] }, named)
  expect((await settled(flagged.body.id)).session).toBe('tidy-up')

  const list = (session: string) => ask(proof, 'GET', `${operations.listOperations.path}?session=${session}`)
  expect((await list(sessions[0]!)).body.items).toMatchObject([{ id: runs[0]!.id }])
  expect((await list('tidy-up')).body.items).toHaveLength(2)
  const undo = (body: object) => ask(proof, 'POST', operations.undoOperations.path, body)
  const { id } = runs[0]!.principal
  expect(await undo({ principal: id })).toMatchObject({ status: 400, body: { errors: [{ path: 'body.since' }] } })
  const shown = await undo({ principal: id, session: sessions[1] })
  expect(shown.body).toMatchObject({ dry_run: true, undone: [{ operation: { id: runs[1]!.id }, will_change: 1 }] })
  const done = await undo({ principal: id, session: sessions[1], dry_run: false })
  await settled(done.body.undone[0].undo.id)
  expect(subjects('INBOX')).toHaveLength(1)

  const audited = await ask(people.admin, 'GET', `${api.audit.listAudit.path}?operation=tool.mail_move`)
  expect(audited.body.items.map(({ refs: noted }: { refs: object }) => noted)).toEqual(
    ['tidy-up', sessions[1], sessions[0]].map(name => expect.objectContaining({ work_session: name })),
  )
  for (const bad of ['', 'a b', 'x'.repeat(65), 'ü'].map(name => ({ 'RustyMail-Session': name }))) {
    const refused = await act(proof, own, { ids: [refs[2]], add: ['seen'] }, bad)
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ path: 'header.rustymail-session' }] } })
  }
})

test('a session of MCP that is none of ours is begun again', async () => {
  const { people, own } = await setUp()
  const { proof } = await people.token(['mail:meta'], [own])
  const request = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'mail_accounts', arguments: {} } }
  const headers = { ...proof, accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-06-18' }
  const ask = (name: string | undefined, method = 'POST') =>
    people.ask(
      { ...headers, ...(name !== undefined && { 'mcp-session-id': name }) },
      method,
      '/mcp',
      method === 'POST' ? request : undefined,
    )
  const without = await ask(undefined)
  expect([without.status, without.headers.get('mcp-session-id')]).toEqual([200, null])
  for (const name of ['of-another-server', `mcp-${'x'.repeat(36)}`, 'x'.repeat(65)]) {
    const unknown = await ask(name)
    expect([unknown.status, JSON.parse(unknown.text)]).toMatchObject([
      404,
      { jsonrpc: '2.0', error: { code: -32_001, message: expect.stringContaining('nitialize again') } },
    ])
  }
  // There is no session to end: the protocol allows that answer.
  expect((await ask('mcp-1', 'DELETE')).status).toBe(405)
})
