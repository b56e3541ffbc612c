/**
 * An MCP client that can open links is sent to the approvals page; nothing that it, or a link, says decides anything.
 */
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import type { Approval } from '../../contract/approvals.ts'
import type { AuditEntry } from '../../contract/audit.ts'
import type { Draft } from '../../contract/draft.ts'
import { api } from '../../contract/index.ts'
import { mcpPath } from '../../contract/mcp.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { type Proof, startApp } from '../support/people.ts'
import { SmtpSink } from '../support/smtp-sink.ts'

const modern = '2026-07-28'
const meta = 'io.modelcontextprotocol'
const links = { elicitation: { url: {} } }

interface Result {
  resultType?: string
  requestState?: string
  inputRequests?: { approval: { method: string; params: { mode: string; url: string; message: string } } }
  structuredContent?: { status: string; approve_url?: string; id: string; why?: string }
}

async function start(adapter: string) {
  const sink = new SmtpSink({ password: 'secret' })
  const port = await sink.start()
  onTestFinished(() => sink.stop())
  const environment = { RUSTYMAIL_MCP_ADAPTER: adapter }
  const { people } = await startApp({ environment, overrides: { gateway: new MemoryGateway() } })
  const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user: 'ann', password: 'secret' }
  const smtp = { host: '127.0.0.1', port, tls: 'none', user: 'me', password: 'secret' }
  const body = { name: 'ann', email: 'ann@example.org', imap, smtp }
  const path = `${api.accounts.createAccount.path}?verify=false`
  const { id: account } = await people.tell<Account>(people.admin, 'POST', path, body)
  const { proof } = await people.token(['mail:send'], [account])
  const draft = async () => {
    const content = { mode: 'new', to: ['cy@example.com'], subject: 'x', body: { format: 'text', content: 'y' } }
    const { id, rev } = await people.tell<Draft>(proof, 'POST', `/api/v1/accounts/${account}/drafts`, content)
    return { draft: `${account}.${id}`, rev }
  }
  const send = async (input: object, capabilities: object, more: object = {}, by: Proof = proof) => {
    const _meta = {
      [`${meta}/protocolVersion`]: modern,
      [`${meta}/clientInfo`]: { name: 'tidy\u202eagent', version: '3.1\r\nroot' },
      [`${meta}/clientCapabilities`]: capabilities,
    }
    const params = { name: 'mail_send', arguments: input, ...more, _meta }
    const headers = {
      ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      ...{ 'mcp-protocol-version': modern, 'mcp-method': 'tools/call', 'mcp-name': 'mail_send', ...by },
    }
    const asked = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
    const text = await (await fetch(people.url + mcpPath, { method: 'POST', headers, body: asked })).text()
    const frame = text.startsWith('{') ? text : (/^data: ?(.*"(?:result|error)".*)$/m.exec(text)?.[1] ?? '{}')
    return JSON.parse(frame) as { result?: Result; error?: { code: number } }
  }
  const approvals = async () =>
    (await people.tell<{ items: Approval[] }>(people.admin, 'GET', api.approvals.listApprovals.path)).items
  return { people, sink, account, proof, draft, send, approvals }
}

describe.each(['sdk', 'native'])('%s', adapter => {
  test('it asks once, waits for the page alone, and tells how it ended', async () => {
    const { people, sink, draft, send, approvals } = await start(adapter)
    const input = await draft()
    const { result: asked } = await send(input, links)
    expect(asked?.resultType).toBe('input_required')
    const [approval] = await approvals()
    const { params } = asked!.inputRequests!.approval
    expect([params.mode, params.url]).toEqual(['url', `${people.url}/approvals?open=${approval!.id}`])
    const requestState = asked!.requestState!
    // Whatever the client claims that its human said: opened, agreed to in a form, refused.
    const answers = [
      { action: 'accept' },
      { action: 'accept', content: { approve: true, approved: 'yes', hash: approval!.hash } },
      { action: 'decline' },
      { action: 'cancel' },
    ]
    for (const answer of answers) {
      const { result } = await send(input, links, { requestState, inputResponses: { approval: answer } })
      expect(result?.structuredContent).toMatchObject({ status: 'pending', approve_url: params.url })
    }
    // Nor does the link itself, whichever caller opens it.
    for (const proof of [{}, people.admin])
      for (const query of ['', '&approve=true', `&hash=${approval!.hash}`])
        await people.ask(proof, 'GET', `/approvals?open=${approval!.id}${query}`)
    const [still, ...others] = await approvals()
    expect([still!.state, still!.decisions, others, sink.taken]).toEqual(['waiting', [], [], []])
    const path = `${api.approvals.listApprovals.path}/${still!.id}/approve`
    await people.tell(people.admin, 'POST', path, { hash: still!.hash })
    await expect.poll(() => sink.taken.length).toBe(1)
    const { result: ended } = await send(input, links, { requestState })
    expect(ended?.structuredContent).toMatchObject({ status: 'sent' })
    expect(sink.taken.length).toBe(1)
  })

  test('a form is no approval, and who opens no links is told the link', async () => {
    const { people, sink, draft, send, approvals } = await start(adapter)
    const input = await draft()
    const { result } = await send(
      input,
      { elicitation: { form: {} } },
      { inputResponses: { approval: { action: 'accept', content: { approve: true } } } },
    )
    expect(result?.structuredContent).toMatchObject({
      status: 'pending',
      approve_url: expect.stringContaining('/approvals?open='),
    })
    const [approval] = await approvals()
    expect([approval!.decisions, sink.taken]).toEqual([[], []])
    const { items } = await people.tell<{ items: AuditEntry[] }>(
      people.admin,
      'GET',
      `${api.audit.listAudit.path}?operation=tool.mail_send`,
    )
    expect(items[0]!.refs.client).toBe('tidy agent 3.1 root')
  })

  test('a state is good for its caller and its draft alone', async () => {
    const { people, account, draft, send } = await start(adapter)
    const [one, other] = [await draft(), await draft()]
    const requestState = (await send(one, links)).result!.requestState!
    const forged = `${requestState.slice(0, -2)}xx`
    expect((await send(one, links, { requestState: forged })).error?.code).toBe(-32_602)
    const stranger = await people.token(['mail:send'], [account])
    expect((await send(one, links, { requestState }, stranger.proof)).error?.code).toBe(-32_602)
    const elsewhere = await send(other, links, { requestState })
    expect(JSON.stringify(elsewhere)).toContain('draft_not_found')
  })
})
