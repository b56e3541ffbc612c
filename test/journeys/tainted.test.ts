/** Each road by which words of strangers reach a program: what it sends afterwards is held if its policy says so. */
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import type { Draft } from '../../contract/draft.ts'
import { factTypes, stateTypes } from '../../contract/event.ts'
import { api } from '../../contract/index.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { type Database, openDatabase } from '../../server/platform/database/database.ts'
import { wordsInEvents, wordsShown } from '../../server/policies/foreign-words.ts'
import { assistantRoads, assistantTools } from '../support/assistant-roads.ts'
import { ask as askEvents } from '../support/events-client.ts'
import { callTool, connectMcp } from '../support/mcp-client.ts'
import { openStream } from '../support/open-stream.ts'
import { type NewToken, type People, runApp } from '../support/people.ts'
import type { Road } from '../support/road.ts'
import { ScriptedChoice } from '../support/scripted-choice.ts'
import { SmtpSink } from '../support/smtp-sink.ts'
import { untilIndexed, untilWatched } from '../support/until-indexed.ts'

let people: People
let app: Awaited<ReturnType<typeof runApp>>['app']
let db: Database
let gateway: MemoryGateway
let account: string
let [id, ref] = ['', '']
let threadId = ''
const models = new ScriptedChoice()

const notes = Buffer.from('notes')
const attachment = {
  id: '2',
  name: 'n.txt',
  type: 'text/plain',
  size_bytes: notes.length,
  is_inline: false,
  content_id: null,
}

beforeAll(async () => {
  const sink = new SmtpSink({ password: 'secret' })
  const port = await sink.start()
  gateway = new MemoryGateway()
  const started = await runApp({
    overrides: { gateway, models, openDatabase: observer => (db = openDatabase('sqlite::memory:', observer)) },
  })
  ;({ people, app } = started)
  // Before the account exists: it is not announced as new.
  gateway.deliver({
    ...{ subject: 'Hello', from: [{ name: 'Eve', email: 'eve@evil.example' }], text: 'Hi' },
    ...{ attachments: [attachment], parts: { 2: notes } },
  })
  const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user: 'ann', password: 'secret' }
  const smtp = { host: '127.0.0.1', port, tls: 'none', user: 'me', password: 'secret' }
  const wanted = { name: 'Ann', email: 'ann@example.org', imap, smtp }
  const made = await people.tell<Account>(
    people.admin,
    'POST',
    `${api.accounts.createAccount.path}?verify=false`,
    wanted,
  )
  account = made.id
  await untilIndexed(people, account, 1)
  await untilWatched(gateway, 1)
  const list = `/api/v1/accounts/${account}/messages?folder=INBOX`
  type List = { items: [{ id: string; ref: string; thread_id: string }] }
  const { items } = await people.tell<List>(people.admin, 'GET', list)
  ;({ id, ref, thread_id: threadId } = items[0])
  return async () => {
    await started.stop()
    await sink.stop()
  }
})

/** Roads by the operation that shows the words. */
const roads: Record<string, (road: Road) => Promise<unknown>> = {
  'mail.getMessage': ({ get }) => get(`messages/${ref}`),
  'event.mail': async ({ token: { proof } }) => {
    const poll = (cursor?: string) =>
      askEvents(people.url, proof, 'events/poll', { name: 'message.received', ...(cursor && { cursor }) })
    const { cursor } = await poll()
    gateway.deliver({ subject: 'Event', from: [{ name: 'Eve', email: 'eve@evil.example' }] })
    await expect.poll(async () => (await poll(cursor)).events.length).toBe(1)
  },
  'events.listFacts': ({ get }) => get('/api/dashboard/facts?types=mail_received'),
  'events.streamEvents': async ({ token }) => {
    const stream = await openStream(`${people.url}${api.events.streamEvents.path}`, token.proof)
    await stream.next('welcome')
    stream.close()
  },
  'agents.listAgents': ({ get }) => get(api.agents.listAgents.path),
  'agents.listAgentCalls': ({ get }) => get(api.agents.listAgentCalls.path),
  'approvals.getApproval': async ({ get, oldSubmission }) =>
    get(`/api/v1/approvals/${await approvalOf(await oldSubmission())}`),
  'approvals.listApprovals': async ({ get, oldSubmission }) => {
    await oldSubmission()
    return get('/api/v1/approvals')
  },
  'audit.listAudit': ({ get }) => get(api.audit.listAudit.path),
  'audit.exportAudit': ({ get }) => get('/api/dashboard/audit/export?format=csv'),
  'drafts.createDraft': ({ post }) => post('drafts', { mode: 'reply', message: ref }),
  'drafts.attachFromMessage': async ({ token, post }) => {
    const draft = await write(token)
    return post(`drafts/${draft.id}/attachments/from-message`, { rev: 1, message: ref, attachment_id: '2' })
  },
  'drafts.getDraft': async ({ get, oldReply }) => get(`drafts/${(await oldReply()).id}`),
  'drafts.listDrafts': async ({ get, oldReply }) => {
    await oldReply()
    return get('drafts')
  },
  'drafts.changeDraft': async ({ token, oldReply }) => {
    const { id: draft, rev } = await oldReply()
    return people.tell(token.proof, 'PATCH', `/api/v1/accounts/${account}/drafts/${draft}`, { rev, cc: [] })
  },
  'drafts.uploadAttachment': async ({ token, oldReply }) => {
    const { id: draft, rev } = await oldReply()
    const path = `/api/v1/accounts/${account}/drafts/${draft}/attachments?rev=${rev}&name=a.txt`
    const answer = await fetch(people.url + path, {
      method: 'POST',
      headers: { ...token.proof, 'content-type': 'text/plain' },
      body: 'x',
    })
    expect(answer.status).toBe(201)
  },
  'drafts.removeAttachment': async ({ token, oldReply }) => {
    const { id: draft, rev, attachments } = await oldReply()
    const path = `/api/v1/accounts/${account}/drafts/${draft}/attachments/${attachments[0]!.id}?rev=${rev}`
    return people.tell(token.proof, 'DELETE', path)
  },
  'drafts.previewDraft': async ({ get, oldReply }) => get(`drafts/${(await oldReply()).id}/preview`),
  'drafts.getAttachment': async ({ get, oldReply }) => {
    const { id: draft, attachments } = await oldReply()
    return get(`drafts/${draft}/attachments/${attachments[0]!.id}`)
  },
  'drafts.getHtml': async ({ get, oldReply }) => {
    const { id: draft, rev } = await oldReply()
    return get(`drafts/${draft}/html?rev=${rev}`)
  },
  'drafts.getRaw': async ({ get, oldReply }) => get(`drafts/${(await oldReply()).id}/raw`),
  'mail.listMessages': ({ get }) => get('messages?folder=INBOX'),
  'mail.getMessageHtml': ({ get }) => get(`messages/${ref}/html`),
  'mail.getAttachment': ({ get }) => get(`messages/${ref}/attachments/2`),
  'mail.getMessagePart': ({ get }) => get(`messages/${ref}/parts/2`),
  'mail.getMessageRaw': ({ get }) => get(`messages/${ref}/raw`),
  'mail.getAttachmentsZip': ({ get }) => get(`messages/${ref}/attachments.zip`),
  'mailIndex.listThreads': ({ get }) => get('threads?folder=INBOX'),
  'mailIndex.getThread': ({ get }) => get(`threads/${threadId}`),
  'mailIndex.listMessagesById': ({ get }) => get(`summaries?ids=${id}`),
  'mailIndex.listContacts': ({ get }) => get('contacts'),
  'mailSearch.searchMail': ({ get }) => get('/api/v1/search?q=Hello'),
  'mailSearch.searchAccount': ({ get }) => get('search?q=Hello'),
  'outbox.sendDraft': async ({ post, oldReply }) => {
    const { id: draft, rev } = await oldReply()
    return post(`drafts/${draft}/send`, { rev })
  },
  'outbox.listSubmissions': async ({ get, oldSubmission }) => {
    await oldSubmission()
    return get('/api/v1/outbox')
  },
  'outbox.getSubmission': async ({ get, oldSubmission }) => get(`/api/v1/outbox/${await oldSubmission()}`),
  'outbox.getSubmissionContent': async ({ get, oldSubmission }) =>
    get(`/api/v1/outbox/${await oldSubmission()}/content`),
  'outbox.getSubmissionHtml': async ({ get, oldSubmission }) => {
    const submission = await oldSubmission()
    const { hash } = await people.tell<{ hash: string }>(people.admin, 'GET', `/api/v1/outbox/${submission}`)
    return get(`/api/v1/outbox/${submission}/html?hash=${hash}`)
  },
  'outbox.cancelSubmission': async ({ post, oldSubmission }) => post(`/api/v1/outbox/${await oldSubmission()}/cancel`),
  'proposals.listProposals': async ({ get, oldProposal }) => {
    await oldProposal()
    return get('/api/v1/proposals')
  },
  'proposals.getProposal': async ({ get, oldProposal }) => get(`/api/v1/proposals/${await oldProposal()}`),
  'proposals.listProposedChanges': async ({ get, oldProposal }) =>
    get(`/api/v1/proposals/${await oldProposal()}/changes`),
  'proposals.withdrawProposal': async ({ post, oldProposal }) => {
    const path = `/api/v1/proposals/${await oldProposal()}`
    const { items } = await people.tell<{ items: { id: string; hash: string }[] }>(people.admin, 'GET', path)
    return post(`${path}/withdraw`, { items: items.map(({ id: item, hash }) => ({ id: item, hash })) })
  },
  ...assistantRoads({ models, newToken: () => newToken(), people: () => people, db: () => db }),
  'tool.mail_proposals': async ({ call, oldProposal }) => call('mail_proposals', { proposal: await oldProposal() }),
  'tool.mail_search': ({ call }) => call('mail_search', { q: 'Hello', account }),
  'tool.mail_read': ({ call }) => call('mail_read', { refs: [`${account}.${ref}`] }),
  'tool.mail_attachment': ({ call }) => call('mail_attachment', { ref: `${account}.${ref}`, id: '2' }),
  'tool.mail_changes': async ({ token, call }) => {
    const { value } = await callTool(await connectMcp(people.url, token.proof), 'mail_changes', { account })
    gateway.deliver({ subject: 'Changed', from: [{ name: 'Eve', email: 'eve@evil.example' }] })
    await call('mail_changes', { account, since: value.cursor, wait_s: 25 })
  },
  'tool.mail_draft': async ({ call, oldReply }) => call('mail_draft', { draft: `${account}.${(await oldReply()).id}` }),
  'tool.mail_outbox': async ({ call, oldSubmission }) => call('mail_outbox', { op: 'get', id: await oldSubmission() }),
}

/** Operations that only users may call. */
const ofUsers = [
  ...['approvals.approve', 'approvals.deny', 'approvals.editHeld', 'conversations.decideToolCall'],
  ...['proposals.applyProposal', 'proposals.declineProposal', 'outbox.retrySubmission', 'outbox.resolveSubmission'],
]

async function approvalOf(submission: string): Promise<string> {
  const { approval_id: approval } = await people.tell<{ approval_id: string }>(
    people.admin,
    'GET',
    `/api/v1/outbox/${submission}`,
  )
  return approval
}

const write = (token: NewToken) =>
  people.tell<Draft>(token.proof, 'POST', `/api/v1/accounts/${account}/drafts`, {
    ...{ mode: 'new', to: ['anne@there.test'], subject: 'Lunch', body: { format: 'text', content: 'At noon?' } },
  })

async function newToken(mode: 'act' | 'propose' = 'act') {
  const token = await people.token(['mail:send', 'mail:organize', 'dashboard:admin'], [account])
  const revoke = api.tokens.revokeToken.path.replace('{token_id}', token.id)
  onTestFinished(() => people.tell(people.admin, 'DELETE', revoke))
  const path = api.policy.setTokenPolicy.path.replace('{token_id}', token.id)
  const { policy } = await people.tell<{ policy: { sending: object } }>(people.admin, 'GET', path)
  const approval = { always: false, strangers: false, tainted_minutes: 60 }
  await people.tell(people.admin, 'PUT', path, { ...policy, mode, sending: { ...policy.sending, approval } })
  return token
}

/** Returns whether the token's next message would be held because of what it has read. */
async function isTainted(token: NewToken): Promise<boolean> {
  const draft = await write(token)
  const path = `/api/v1/accounts/${account}/drafts/${draft.id}/check`
  const { findings } = await people.tell<{ findings: { rule: string }[] }>(token.proof, 'POST', path, {})
  return findings.some(({ rule }) => rule === 'approval_tainted')
}

async function roadOf(token: NewToken): Promise<Road> {
  const at = (path: string) => (path.startsWith('/') ? path : `/api/v1/accounts/${account}/${path}`)
  const ask = async (method: string, path: string, body?: object) => {
    const answer = await people.ask(token.proof, method, at(path), body)
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`)
    return answer.text
  }
  const writer = await newToken()
  const give = async (table: 'drafts' | 'submissions' | 'proposals', given: string) => {
    const values = { principal_id: `token-${token.id}` }
    await db.updateTable(table).set(values).where('id', '=', given).execute()
  }
  const reply = () =>
    people.tell<Draft>(writer.proof, 'POST', `/api/v1/accounts/${account}/drafts`, {
      ...{ mode: 'reply', message: ref, body: { format: 'text', content: 'Yes' } },
      attach: [{ message: ref, attachment_id: '2' }],
    })
  return {
    token,
    get: path => ask('GET', path),
    post: (path, body) => ask('POST', path, body),
    call: async (tool, input) => {
      const { isError, text } = await callTool(await connectMcp(people.url, token.proof), tool, input)
      if (isError) throw new Error(text)
    },
    oldReply: async () => {
      const draft = await reply()
      await give('drafts', draft.id)
      return draft
    },
    oldSubmission: async () => {
      const draft = await reply()
      const path = `/api/v1/accounts/${account}/drafts/${draft.id}/send`
      const { id: submission } = await people.tell<{ id: string }>(writer.proof, 'POST', path, { rev: draft.rev })
      await give('drafts', draft.id)
      await give('submissions', submission)
      await db
        .updateTable('approvals')
        .set({ principal_id: `token-${token.id}` })
        .where('submission_id', '=', submission)
        .execute()
      return submission
    },
    oldProposal: async () => {
      const { proof } = await newToken('propose')
      const path = `/api/v1/accounts/${account}/messages/actions`
      const asked = { ids: [id], add: ['flagged'] }
      const { proposal_id: proposal } = await people.tell<{ proposal_id: string }>(proof, 'POST', path, asked)
      const drafts = `/api/v1/accounts/${account}/drafts`
      const draft = await people.tell<Draft>(proof, 'POST', drafts, { mode: 'reply', message: ref })
      await give('drafts', draft.id)
      await give('proposals', proposal)
      return proposal
    },
  }
}

test('each operation, tool and event says whose words it shows, and each that shows those of strangers has a road here', async () => {
  const served = app.http.routes.flatMap(({ operation }) => (operation ? [operation.name] : []))
  const client = await connectMcp(
    people.url,
    (await people.token(['mail:delete', 'mail:send', 'mail:organize'], [account])).proof,
  )
  const tools = [...(await client.listTools()).tools.map(({ name }) => `tool.${name}`), ...assistantTools]
  expect(tools.length).toBeGreaterThan(8)
  // Undeclared operations count as showing strangers' words; declare them in server/policies/foreign-words.ts.
  expect([...new Set([...served, ...tools])].filter(name => !wordsShown.has(name))).toEqual([])
  expect(
    [...wordsShown.keys()].filter(
      name => !served.includes(name) && !tools.includes(name) && !/Oidc|^event\./.test(name),
    ),
  ).toEqual([])
  const foreign = [...wordsShown].flatMap(([name, words]) => (words === 'none' ? [] : [name]))
  expect(Object.keys(roads).concat(ofUsers).sort()).toEqual(foreign.sort())
  expect([...factTypes, ...stateTypes].filter(type => !wordsInEvents.has(type))).toEqual([])
  // Nothing else of MCP shows such words: resources and completions are read by tools, and prompts are our own text.
  const offered = Object.keys(client.getServerCapabilities() ?? {})
    .filter(name => name !== 'extensions' && name !== 'events')
    .sort()
  expect(offered).toEqual(['completions', 'prompts', 'resources', 'tools'])
})

test('a token that has taken none of them, and reads what it wrote itself, is not held', async () => {
  const token = await newToken()
  const { get, call, post } = await roadOf(token)
  const draft = await write(token)
  await get(`drafts/${draft.id}`)
  await get('drafts')
  await get('folders')
  await call('mail_folders', { account })
  await call('mail_draft', { draft: `${account}.${draft.id}`, subject: 'Supper' })
  await post(`drafts/${draft.id}/check`, {})
  await call('mail_outbox', { op: 'list' })
  expect(await isTainted(token)).toBe(false)
})

test.each(Object.keys(roads))('by %s', async name => {
  const token = await newToken()
  const road = await roadOf(token)
  expect(await isTainted(token)).toBe(false)
  await roads[name]!(road)
  expect([name, await isTainted(token)]).toEqual([name, true])
})

test('by a resource, as by the tool that reads it; lists of resources and prompts show nothing of strangers', async () => {
  const token = await newToken()
  const client = await connectMcp(people.url, token.proof)
  await client.listResources()
  await client.listResourceTemplates()
  await client.getPrompt({ name: 'triage' })
  await client.complete({ ref: { type: 'ref/prompt', name: 'triage' }, argument: { name: 'folder', value: '' } })
  expect(await isTainted(token)).toBe(false)
  await client.readResource({ uri: `mail://${account}/messages/${id}` })
  expect(await isTainted(token)).toBe(true)
})

test('by a stream that is open when mail comes', async () => {
  const token = await newToken()
  const stream = await openStream(`${people.url}${api.events.streamEvents.path}`, token.proof)
  await stream.next('welcome')
  await db.deleteFrom('stranger_reads').execute()
  gateway.deliver({ subject: 'Again', from: [{ name: 'Eve', email: 'eve@evil.example' }] })
  await stream.next('mail_received')
  stream.close()
  expect(await isTainted(token)).toBe(true)
})

test('a read is in the database before its answer has come, and counts there for every process; a write stands for a minute', async () => {
  const [token, other] = [await newToken(), await newToken()]
  const { get } = await roadOf(token)
  const rows = () =>
    db.selectFrom('stranger_reads').selectAll().where('principal_id', '=', `token-${token.id}`).execute()
  await get(`messages/${ref}`)
  const [row] = await rows()
  expect(row).toBeDefined()
  for (let read = 0; read < 20; read++) await get(`messages/${ref}/html`)
  expect(await rows()).toEqual([row])
  // As another process writes it.
  const at = new Date().toISOString()
  const draft = await write(other)
  await db
    .insertInto('stranger_reads')
    .values({ principal_id: `token-${other.id}`, at })
    .execute()
  const path = `/api/v1/accounts/${account}/drafts/${draft.id}/send`
  expect(await people.tell(other.proof, 'POST', path, { rev: draft.rev })).toMatchObject({ state: 'held' })
})

test('what cannot be recorded is not shown to a token whose policy asks for it', async () => {
  const token = await newToken()
  const reader = await people.token(['mail:read'], [account])
  const asked = [`messages/${ref}`, `messages/${ref}/raw`, `messages/${ref}/attachments/2`, 'search?q=Hello']
  const answers = (proof: NewToken['proof']) =>
    Promise.all(asked.map(path => people.ask(proof, 'GET', `/api/v1/accounts/${account}/${path}`)))
  await db.schema.alterTable('stranger_reads').renameTo('stranger_reads_away').execute()
  const refused = await answers(token.proof)
  const stream = await people.ask(token.proof, 'GET', api.events.streamEvents.path)
  const tool = await callTool(await connectMcp(people.url, token.proof), 'mail_read', { refs: [`${account}.${ref}`] })
  const shown = await answers(reader.proof)
  await db.schema.alterTable('stranger_reads_away').renameTo('stranger_reads').execute()
  expect([...refused, stream].map(({ status }) => status)).toEqual([503, 503, 503, 503, 503])
  for (const { text } of refused) expect(JSON.parse(text)).toMatchObject({ code: 'overloaded' })
  expect(tool).toMatchObject({ isError: true, value: { code: 'overloaded' } })
  expect(shown.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  expect((await answers(token.proof)).map(({ status }) => status)).toEqual([200, 200, 200, 200])
})
