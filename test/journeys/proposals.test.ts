/** A token in mode `propose`, over REST and MCP: requests become one change set; a human applies or declines items. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import type { Draft } from '../../contract/draft.ts'
import type { EventOf } from '../../contract/event.ts'
import { api } from '../../contract/index.ts'
import type { OperationWithResults } from '../../contract/operations.ts'
import { defaultPolicy } from '../../contract/policy.ts'
import type { ProposalDecision, ProposalDetail, ProposedChange } from '../../contract/proposals.ts'
import type { Submission } from '../../contract/submission.ts'
import { submissionHash } from '../../server/drafts/composed-message.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { callTool, connectMcp } from '../support/mcp-client.ts'
import { openStream } from '../support/open-stream.ts'
import { patience } from '../support/patience.ts'
import { type Answer, type Proof, startApp } from '../support/people.ts'
import { SmtpSink } from '../support/smtp-sink.ts'
import { untilIndexed } from '../support/until-indexed.ts'

const base = api.proposals.listProposals.path
const codeOf = ({ text, status }: Answer) => (status < 300 ? 'ok' : (JSON.parse(text) as { code: string }).code)
const proposing = { ...defaultPolicy, mode: 'propose' as const }

async function startWorld() {
  const sink = new SmtpSink({ password: 'secret' })
  const port = await sink.start()
  onTestFinished(() => sink.stop())
  const gateway = new MemoryGateway()
  const { people } = await startApp({ overrides: { gateway } })
  const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user: 'ann', password: 'secret' }
  const smtp = { host: '127.0.0.1', port, tls: 'none', user: 'me', password: 'secret' }
  const { id: account } = await people.tell<Account>(
    people.admin,
    'POST',
    `${api.accounts.createAccount.path}?verify=false`,
    { name: 'ann', email: 'ann@example.org', imap, smtp },
  )
  for (const subject of ['lunch', 'dinner']) gateway.deliver({ subject, text: 'At noon?' })
  await untilIndexed(people, account, 2)
  const token = await people.token(['mail:organize', 'mail:delete', 'mail:send'], [account])
  const policy = (mode: typeof defaultPolicy) =>
    people.tell(people.admin, 'PUT', api.policy.setTokenPolicy.path.replace('{token_id}', token.id), mode)
  await policy(proposing)
  const { items } = await people.tell<{ items: { ref: string; subject: string }[] }>(
    token.proof,
    'GET',
    `/api/v1/accounts/${account}/messages?folder=INBOX`,
  )
  const detailOf = (id: string, proof: Proof = people.admin) =>
    people.tell<ProposalDetail>(proof, 'GET', `${base}/${id}`)
  const named = ({ items: all }: ProposalDetail, ...ids: string[]) =>
    all.filter(({ id }) => ids.includes(id)).map(({ id, hash }) => ({ id, hash }))
  const apply = (id: string, chosen: object, proof: Proof = people.admin) =>
    people.ask(proof, 'POST', `${base}/${id}/apply`, { items: chosen })
  return { people, gateway, sink, account, token, policy, refs: items, detailOf, named, apply }
}

type ProposalFact = EventOf<'proposal_changed'>['data']

const mailbox = (gateway: MemoryGateway) =>
  JSON.stringify([...gateway.folders].map(([path, { uidNext, messages }]) => [path, uidNext, messages]))

test('an agent proposes over MCP, sees its proposals, and hears what a human applied and declined, with the reason', async () => {
  const { people, gateway, sink, account, token, refs, detailOf, named, apply } = await startWorld()
  const { admin } = people
  const before = mailbox(gateway)
  const stream = await openStream(
    `${people.url}${api.events.streamEvents.path}?types=proposal_changed,operation_changed`,
    token.proof,
  )
  await stream.next('welcome')
  const client = await connectMcp(people.url, token.proof)
  const [first, second] = refs.map(({ ref }) => `${account}.${ref}`)
  const flags = await callTool(client, 'mail_update', { refs: [first, second], add: ['flagged'] })
  const proposal = flags.value.proposed as string
  expect([flags.isError, flags.value.ok]).toEqual([false, 0])
  expect((await stream.next('proposal_changed')).data).toMatchObject({ proposal_id: proposal, event: 'proposed' })
  const move = await callTool(client, 'mail_move', { refs: [first], to: 'archive' })
  const folder = await callTool(client, 'mail_folder_edit', { op: 'create', path: 'Trips' })
  const note = await callTool(client, 'mail_draft', { to: ['cy@there.test'], subject: 'A note', body: 'x' })
  const answer = await callTool(client, 'mail_draft', { to: ['anne@there.test'], subject: 'Yes', body: 'At **noon**' })
  const sent = await callTool(client, 'mail_send', {
    draft: (answer.value.draft as string).split('.')[1],
    rev: answer.value.rev,
  })
  for (const { isError, value } of [move, folder, note, answer, sent]) {
    expect([isError, value.proposed]).toEqual([false, proposal])
  }
  // Each links to where a human decides.
  const page = `${people.url}/approvals?open=`
  for (const { value } of [flags, move, folder]) expect(value.review_url).toBe(`${page}${proposal}`)
  expect([note.value.review_url, sent.value.approve_url]).toEqual([
    expect.stringContaining(`${people.url}/mail?compose=`),
    expect.stringContaining(page),
  ])
  const detail = await detailOf(proposal)
  expect(detail.items.map(({ kind, state, can }) => [kind, state, can])).toEqual([
    ...[1, 2, 3].map(() => ['operation', 'waiting', ['apply', 'decline']]),
    ['draft', 'waiting', ['apply', 'decline']],
    ['message', 'waiting', ['apply', 'decline']],
  ])
  expect(detail.counts).toMatchObject({ items: 5, messages: 3, sends: 1, deletions: 0 })
  const { items: changes } = await people.tell<{ items: ProposedChange[] }>(admin, 'GET', `${base}/${proposal}/changes`)
  expect(changes.map(({ action, subject, add, to, outcome }) => [action, subject, add, to, outcome])).toEqual([
    ['flags', 'dinner', ['flagged'], null, 'will_change'],
    ['flags', 'lunch', ['flagged'], null, 'will_change'],
    ['move', 'dinner', [], 'Archive', 'will_change'],
    ['folder', null, [], null, 'will_change'],
  ])
  // The agent finds all of it as pending, in each list that it may read; the mailbox still shows the old state.
  const listed = await people.tell<{ items: { state: string; proposal_id: string }[] }>(
    token.proof,
    'GET',
    `${api.operations.listOperations.path}?state=proposed`,
  )
  const pending = { state: 'proposed', proposal_id: proposal }
  expect(listed.items).toMatchObject([pending, pending, pending])
  const seen = (await callTool(client, 'mail_proposals', {})).value.proposals as string[]
  expect(seen).toEqual([expect.stringContaining(`${proposal} open: 5 wait, 0 applied, 0 not.`)])
  const waiting = (await callTool(client, 'mail_proposals', { proposal })).value.proposals as string[]
  expect(waiting.slice(1).map(line => line.split(/[ ,:]+/)[1])).toEqual(detail.items.map(() => 'waiting'))
  // A withdrawal that names no item is not taken as done.
  for (const [input, words] of [
    [{ withdraw: ['none'] }, 'proposal: is required with withdraw'],
    [{ proposal, withdraw: ['none'] }, 'is not an item of this proposal'],
  ] as const) {
    expect((await callTool(client, 'mail_proposals', input)).text).toContain(words)
  }
  const { items: outgoing } = (await callTool(client, 'mail_outbox', { op: 'list' })).value
  const at = expect.stringContaining(`a person decides at ${sent.value.approve_url}`)
  expect(outgoing).toMatchObject([{ id: sent.value.id, status: 'held', summary: at }])
  const drafts = `/api/v1/accounts/${account}/drafts`
  const written = await people.tell<{ items: Draft[] }>(token.proof, 'GET', drafts)
  expect(written.items.find(({ subject }) => subject === 'A note')).toMatchObject({ proposal_id: proposal })
  const { hits } = (await callTool(client, 'mail_search', { q: 'in:INBOX' })).value as { hits: { flags?: string[] }[] }
  expect(hits.map(({ flags: set = [] }) => set.includes('flagged'))).toEqual([false, false])
  expect([mailbox(gateway), sink.taken]).toEqual([before, []])

  // A token decides nothing, whatever it holds.
  const all = detail.items.map(({ id, hash }) => ({ id, hash }))
  for (const proof of [token.proof, (await people.token(['mail:send', 'mail:organize'], [account])).proof]) {
    expect(codeOf(await apply(proposal, all, proof))).toBe('session_needed')
    expect(codeOf(await people.ask(proof, 'POST', `${base}/${proposal}/decline`, { items: all }))).toBe(
      'session_needed',
    )
  }
  const other = await people.token(['mail:send', 'mail:organize'], [account])
  expect(codeOf(await people.ask(other.proof, 'GET', `${base}/${proposal}`))).toBe('proposal_not_found')
  expect(codeOf(await people.ask(other.proof, 'GET', `${base}/${proposal}/changes`))).toBe('proposal_not_found')
  expect(codeOf(await people.ask(other.proof, 'POST', `${base}/${proposal}/withdraw`, { items: all }))).toBe(
    'proposal_not_found',
  )
  const hidden = await people.invite('operator', [])
  expect(codeOf(await people.ask(hidden.proof, 'GET', `${base}/${proposal}`))).toBe('proposal_not_found')
  expect(codeOf(await apply(proposal, all, hidden.proof))).toBe('proposal_not_found')
  for (const method of ['GET', 'HEAD']) {
    expect((await people.ask(admin, method, `${base}/${proposal}/apply`)).status).toBe(405)
  }
  expect([mailbox(gateway), sink.taken]).toEqual([before, []])

  const [flagItem, moveItem, folderItem, noteItem, sendItem] = detail.items.map(({ id }) => id) as [string, ...string[]]
  const decision = JSON.parse(
    (await apply(proposal, named(detail, moveItem!, noteItem!, sendItem!))).text,
  ) as ProposalDecision
  expect(decision.results.map(({ state, code }) => [state, code])).toEqual([
    ['applied', null],
    ['applied', null],
    ['applied', null],
  ])
  const declined = await people.tell<ProposalDecision>(admin, 'POST', `${base}/${proposal}/decline`, {
    items: named(detail, flagItem, folderItem!),
    reason: 'Not now.',
  })
  expect(declined.proposal.state).toBe('partial')
  await expect.poll(() => sink.taken.length).toBe(1)
  const [{ from, to, bytes }] = sink.taken as [(typeof sink.taken)[number]]
  const hash = submissionHash({ from, to }, createHash('sha256').update(bytes).digest('hex'))
  expect(hash).toBe(detail.items[4]!.hash)
  await expect.poll(() => gateway.getFolder('Archive').messages.map(({ subject }) => subject)).toEqual(['dinner'])
  await expect.poll(() => gateway.getFolder('Drafts').messages.map(({ subject }) => subject)).toEqual(['A note'])
  expect(gateway.getFolder('INBOX').messages.flatMap(({ flags: set }) => set)).toEqual([])
  expect(gateway.folders.has('Trips')).toBe(false)
  // What was applied counts as done by the token.
  await expect
    .poll(async () => (await detailOf(proposal)).items[1]!.operation)
    .toMatchObject({ state: 'done', principal: { id: `token-${token.id}` } })
  const heard: ProposalFact[] = []
  while (heard.filter(({ event }) => event === 'declined').length < 2)
    heard.push((await stream.next('proposal_changed')).data as ProposalFact)
  const became = heard.filter(({ event }) => event !== 'proposed').map(({ item_ids: [item], event }) => [item, event])
  expect(Object.fromEntries(became)).toEqual({
    ...{ [flagItem]: 'declined', [folderItem!]: 'declined' },
    ...{ [moveItem!]: 'applied', [noteItem!]: 'applied', [sendItem!]: 'applied' },
  })
  expect(heard.at(-1)).toMatchObject({ state: 'partial', waiting: 0, applied: 3, by: expect.any(String) })
  const own = await callTool(client, 'mail_proposals', { proposal })
  const [head, ...lines] = own.value.proposals as string[]
  expect(head).toContain(`${proposal} partial: 0 wait, 3 applied, 2 not`)
  expect(lines.map(line => line.split(/[ ,:]+/)[1])).toEqual(['declined', 'applied', 'declined', 'applied', 'applied'])
  expect(lines[0]).toContain('(Not now.)')
  // An item is applied once only.
  const again = JSON.parse((await apply(proposal, named(detail, moveItem!, sendItem!))).text) as ProposalDecision
  expect(again.results.map(({ code }) => code)).toEqual(['not_possible_now', 'not_possible_now'])
  expect(sink.taken).toHaveLength(1)
  stream.close()
})

test('the page Approvals decides about the same message; an edit gives it another hash; a draft of a user is no proposal', async () => {
  const { people, gateway, sink, account, token, detailOf, named, apply } = await startWorld()
  const { admin } = people
  const drafts = `/api/v1/accounts/${account}/drafts`
  const write = (subject: string) =>
    people.tell<Draft>(token.proof, 'POST', drafts, {
      ...{ mode: 'new', to: ['anne@there.test'], subject },
      body: { format: 'text', content: 'x' },
    })
  const send = ({ id, rev }: Draft) => people.tell<Submission>(token.proof, 'POST', `${drafts}/${id}/send`, { rev })
  const [one, two] = [await send(await write('one')), await send(await write('two'))]
  const approval = `${api.approvals.listApprovals.path}/${one.approval_id}`
  const { proposal_id: id } = await people.tell<{ proposal_id: string }>(admin, 'GET', approval)
  const detail = await detailOf(id)
  expect(detail.items.map(({ id: item, hash }) => [item, hash])).toEqual([one, two].map(each => [each.id, each.hash]))
  await people.tell(admin, 'POST', `${approval}/edit`, { hash: one.hash, subject: 'better' })
  await expect.poll(async () => (await detailOf(id)).items[0]!.hash).not.toBe(one.hash)
  expect((await detailOf(id)).items[0]!.words).toBe('Send “better” to anne@there.test')
  const results = (JSON.parse((await apply(id, named(detail, one.id, two.id))).text) as ProposalDecision).results
  expect(results.map(({ code }) => code)).toEqual(['approval_void', null])
  const { hash } = await people.tell<{ hash: string }>(admin, 'GET', approval)
  await people.tell(admin, 'POST', `${approval}/deny`, { hash, reason: 'No.' })
  await expect.poll(async () => (await detailOf(id, token.proof)).state).toBe('partial')
  expect((await detailOf(id, token.proof)).items[0]).toMatchObject({
    ...{ state: 'declined', decided: { reason: 'No.' }, hash, words: 'Send “better” to anne@there.test' },
  })
  await expect.poll(() => sink.taken.length).toBe(1)
  const first = await write('yours')
  const draft = await people.tell<Draft>(token.proof, 'PATCH', `${drafts}/${first.id}`, {
    ...{ rev: first.rev, subject: 'mine by now', to: ['cy@there.test'] },
  })
  expect(draft.proposal_id).not.toBeNull()
  expect((await detailOf(draft.proposal_id!)).words).toEqual(['Save the draft “mine by now” to cy@there.test'])
  const changed = await people.tell<Draft>(admin, 'PATCH', `${drafts}/${draft.id}`, { rev: draft.rev, subject: 'ours' })
  expect(changed.proposal_id).toBeNull()
  expect((await detailOf(draft.proposal_id!)).items[0]).toMatchObject({ kind: 'draft', state: 'void' })
  await expect
    .poll(() => gateway.getFolder('Drafts').messages.map(({ subject }) => subject), { timeout: patience })
    .toContain('ours')
  // Nor may the token delete what is in the mailbox by now.
  expect(codeOf(await people.ask(token.proof, 'DELETE', `${drafts}/${draft.id}`))).toBe('policy_denied')
})

test('whatever a proposing token calls, the mailbox is byte for byte as it was; revoked, what waits is void', async () => {
  const { people, gateway, sink, account, token, refs, detailOf } = await startWorld()
  const before = mailbox(gateway)
  const at = `/api/v1/accounts/${account}`
  const ask = (method: string, path: string, body?: unknown) => people.ask(token.proof, method, path, body)
  const drafts: Draft[] = []
  const operations: string[] = []
  const keep = async (answer: Promise<Answer>) => {
    const { status, text } = await answer
    expect(status).toBeLessThan(500)
    if (status < 300 && text !== '') operations.push((JSON.parse(text) as OperationWithResults).id)
  }
  const ids = fc.subarray(
    refs.map(({ ref }) => ref),
    { minLength: 1 },
  )
  const name = fc.constantFrom('One', 'Two', 'Archive', 'INBOX', 'Sent')
  const calls = fc.oneof(
    ids.map(named => () => keep(ask('POST', `${at}/messages/actions`, { ids: named, add: ['flagged', 'x'] }))),
    fc.tuple(ids, name).map(
      ([named, folder]) =>
        async () =>
          keep(ask('POST', `${at}/messages/actions`, { ids: named, move_to: { folder } })),
    ),
    ids.map(named => () => keep(ask('POST', `${at}/messages/actions`, { ids: named, copy_to: { role: 'trash' } }))),
    ids.map(named => () => keep(ask('POST', `${at}/messages/delete`, { ids: named }))),
    name.map(path => () => keep(ask('POST', `${at}/folders`, { path }))),
    name.map(path => () => keep(ask('PATCH', `${at}/folders?folder=${path}`, { path: `${path}-x` }))),
    name.map(path => () => keep(ask('DELETE', `${at}/folders?folder=${path}&messages=delete`))),
    fc.constant(async () => {
      const operation = operations.at(-1)
      if (operation) await ask('POST', `/api/v1/operations/${operation}/undo`, {})
    }),
    fc.constant(async () => {
      const { status, text } = await ask('POST', `${at}/drafts`, { mode: 'new', to: ['x@there.test'], subject: 's' })
      if (status < 300) drafts.push(JSON.parse(text) as Draft)
    }),
    fc.constantFrom('PATCH', 'DELETE', 'send').map(what => async () => {
      const draft = drafts.at(-1)
      if (!draft) return
      if (what === 'send') await ask('POST', `${at}/drafts/${draft.id}/send`, { rev: draft.rev })
      else if (what === 'PATCH') await ask('PATCH', `${at}/drafts/${draft.id}`, { rev: draft.rev, subject: 't' })
      else await ask('DELETE', `${at}/drafts/${draft.id}`)
    }),
  )
  for (const call of fc.sample(calls, 120)) await call()
  const { items } = await people.tell<{ items: { id: string; counts: { waiting: number } }[] }>(
    people.admin,
    'GET',
    `${base}?state=open`,
  )
  expect(items.reduce((sum, { counts }) => sum + counts.waiting, 0)).toBeGreaterThan(5)
  expect([mailbox(gateway), sink.taken]).toEqual([before, []])
  const { open } = await people.tell<{ open: number }>(token.proof, 'GET', base)
  expect(open).toBe(items.length)
  await people.tell(people.admin, 'DELETE', `${api.tokens.createToken.path}/${token.id}`)
  for (const { id } of items) {
    await expect.poll(async () => (await detailOf(id)).counts.waiting).toBe(0)
    expect((await detailOf(id)).items.map(({ state }) => state)).toContain('void')
  }
  expect([mailbox(gateway), sink.taken]).toEqual([before, []])
})
