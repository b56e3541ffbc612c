/** Agents as observers see them: real clients, listed over REST, in the event stream and in Prometheus. */
import { expect, test } from 'vitest'
import type { AgentCall, AgentPeer } from '../../contract/agents.ts'
import type { AuditEntry } from '../../contract/audit.ts'
import type { History } from '../../contract/history.ts'
import { api } from '../../contract/index.ts'
import { mcpPath } from '../../contract/mcp.ts'
import { callTool, connectMcp } from '../support/mcp-client.ts'
import { startMcpWorld } from '../support/mcp-world.ts'
import { openStream } from '../support/open-stream.ts'

const { listAgents, listAgentCalls } = api.agents
const meta = 'io.modelcontextprotocol'

test('clients of both eras are seen by name, version and revision, and their calls live, by those that may see the account', async () => {
  const { people, ann, bob } = await startMcpWorld()
  const token = await people.token(['mail:read'], [ann])
  const [annOnly, bobOnly] = [await people.invite('viewer', [ann]), await people.invite('viewer', [bob])]
  const [seen, unseen] = [
    await openStream(`${people.url}${api.events.streamEvents.path}`, annOnly.proof),
    await openStream(`${people.url}${api.events.streamEvents.path}`, bobOnly.proof),
  ]
  const connectedAt = new Date(Date.now() - 60_000).toISOString()
  const modern = await connectMcp(people.url, token.proof, '2026')
  const legacy = await connectMcp(people.url, token.proof, '2025')
  const { value } = await callTool(modern, 'mail_search', { q: 'lunch' })
  const { newest } = (await seen.next('agent_activity')).data as { newest: string }
  const [{ ref }] = value.hits as [{ ref: string }]
  await callTool(legacy, 'mail_read', { refs: [ref] })
  expect((await callTool(legacy, 'mail_read', { refs: [`${bob}.AAAAAAAAAA`] })).isError).toBe(true)

  const callsFor = async (proof: Record<string, string>) =>
    (await people.tell<{ items: AgentCall[] }>(proof, 'GET', `${listAgentCalls.path}?principal=token-${token.id}`))
      .items
  const calls = await callsFor(people.admin)
  expect(calls.map(({ tool, account_id, outcome }) => [tool, account_id, outcome])).toEqual([
    ['mail_read', null, 'refused'],
    ['mail_read', ann, 'ok'],
    ['mail_search', ann, 'ok'],
  ])
  expect(calls[1]).toMatchObject({ client_name: 'test', sender: 'cy@example.org', subject: 'lunch', messages: 1 })
  const withoutMail = calls.map(call => ({ ...call, sender: null, subject: null }))
  expect(await callsFor(annOnly.proof), 'a viewer may not list mail').toEqual(withoutMail)
  expect(calls.map(({ id }) => id)).toContain(newest)
  expect(await callsFor(bobOnly.proof)).toEqual([])

  const { items } = await people.tell<{ items: AgentPeer[] }>(people.admin, 'GET', listAgents.path)
  const peers = items.filter(({ principal }) => principal === `token-${token.id}`)
  expect(peers.map(peer => [peer.client_name, peer.client_version, peer.revision, peer.transport])).toEqual([
    ['test', '1.0.0', '2025-11-25', 'http'],
    ['test', '1.0.0', '2026-07-28', 'http'],
  ])
  expect(peers.map(({ calls: all, errors, session }) => [all, errors, session !== null])).toEqual([
    [2, 1, true],
    [1, 0, false],
  ])
  const hidden = await people.tell<{ items: AgentPeer[] }>(bobOnly.proof, 'GET', listAgents.path)
  expect(hidden.items.filter(({ principal }) => principal === `token-${token.id}`).map(peer => peer.tokens)).toEqual([
    null,
    null,
  ])
  await callTool(await connectMcp(people.url, (await people.token(['mail:read'], [bob])).proof), 'mail_search')
  const own = (await unseen.next('agent_activity')).data
  const [ofBob] = (await people.tell<{ items: AgentCall[] }>(bobOnly.proof, 'GET', listAgentCalls.path)).items
  expect(own, 'what is told of first is what this one may see').toMatchObject({ newest: ofBob!.id })
  seen.close()
  unseen.close()

  const { text } = await people.ask(people.admin, 'GET', '/metrics')
  expect(text).toContain(`rustymail_mcp_tool_calls_total{principal="token-${token.id}",outcome="refused"} 1`)
  expect(text).toMatch(
    /mcp_server_operation_duration_seconds_count\{mcp_method_name="tools\/call",gen_ai_tool_name="mail_read",error_type="tool_error",mcp_protocol_version="2025-11-25",network_transport="tcp"\} 1/,
  )
  expect(text).toMatch(
    /mcp_server_operation_duration_seconds_count\{mcp_method_name="initialize",mcp_protocol_version="2025-11-25",network_transport="tcp"\} 1/,
  )
  expect((await people.ask(bobOnly.proof, 'GET', '/metrics')).text).not.toContain('_mcp_')
  // The history has it too, with the next sample.
  const history = `${api.history.getHistory.path}?series=errors&group_by=code&from=${connectedAt}`
  const refused = async () => {
    const { groups } = await people.tell<History>(people.admin, 'GET', history)
    return groups.find(({ label }) => label === calls[0]!.code)?.total.sum[0]
  }
  await expect.poll(refused).toBe(1)
})

/** Introductions that a client of 2026 sends with a call, and what is made of them; undefined for a refusal. */
const introductions = [
  ['nothing', undefined, [null, null, 'unknown client']],
  ['what cannot be seen', { name: '\u200b\u202e ', version: '\u0007' }, [null, null, 'unknown client']],
  ['a version alone', { name: '', version: '3' }, [null, '3', 'unknown client 3']],
  [
    'far too much',
    { name: 'n'.repeat(30_000), version: 'v'.repeat(20_000) },
    ['n'.repeat(100), `${'v'.repeat(59)}…`, `${'n'.repeat(100)} ${'v'.repeat(100)}`],
  ],
  ['two lines', { name: 'a\nb\u2028c', version: '1' }, ['a b c', '1', 'a b c 1']],
  ['a number', 7, undefined],
  ['a list', [{ name: 'x', version: '1' }], undefined],
  ['a name that is none', { name: { toString: 'x' }, version: '1' }, undefined],
] as const

test.each(['sdk', 'native'])(
  '%s: a client that does not say who it is, or says anything, is there and in the trail within bounds',
  async adapter => {
    const { people } = await startMcpWorld({ environment: { RUSTYMAIL_MCP_ADAPTER: adapter } })
    for (const [label, info, known] of introductions) {
      const token = await people.token(['mail:read'])
      const said = {
        [`${meta}/protocolVersion`]: '2026-07-28',
        [`${meta}/clientCapabilities`]: {},
        ...(info === undefined ? {} : { [`${meta}/clientInfo`]: info }),
      }
      const params = { name: 'mail_search', arguments: { q: 'lunch' }, _meta: said }
      const { status } = await fetch(people.url + mcpPath, {
        method: 'POST',
        headers: {
          ...token.proof,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': 'tools/call',
          'mcp-name': 'mail_search',
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
      })
      expect([label, status]).toEqual([label, known ? 200 : 400])
      const { items } = await people.tell<{ items: AgentPeer[] }>(people.admin, 'GET', listAgents.path)
      const [peer] = items.filter(({ principal }) => principal === `token-${token.id}`)
      const trail = `${api.audit.listAudit.path}?operation=tool.&principal=token-${token.id}`
      const clients = async () =>
        (await people.tell<{ items: AuditEntry[] }>(people.admin, 'GET', trail)).items.map(({ refs }) => refs.client)
      if (!known) {
        expect([await clients(), peer?.client_name ?? null]).toEqual([[], null])
        continue
      }
      const [name, version, words] = known
      expect([peer?.client_name, peer?.client_version]).toEqual([name, version])
      await expect.poll(clients).toEqual([words])
    }
  },
)
