/** Agents as those who watch are told of them: real clients, seen over REST, in the event stream and in Prometheus. */
import { expect, test } from 'vitest'
import type { AgentCall, AgentPeer } from '../../contract/agents.ts'
import { api } from '../../contract/index.ts'
import { callTool, connectMcp } from '../support/mcp-client.ts'
import { startMcpWorld } from '../support/mcp-world.ts'
import { openStream } from '../support/open-stream.ts'

const { listAgents, listAgentCalls } = api.agents

test('clients of both eras are seen by name, version and revision, and their calls live, by those that may see the account', async () => {
  const { people, ann, bob } = await startMcpWorld()
  const token = await people.token(['mail:read'], [ann])
  const [annOnly, bobOnly] = [await people.invite('viewer', [ann]), await people.invite('viewer', [bob])]
  const [seen, unseen] = [
    await openStream(`${people.url}${api.events.streamEvents.path}`, annOnly.proof),
    await openStream(`${people.url}${api.events.streamEvents.path}`, bobOnly.proof),
  ]
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
})
