/**
 * Webhooks of MCP Events by a third-party package's rules: mcp-webhook-events of PyPI accepts what RustyMail delivers.
 */
import { spawnSync } from 'node:child_process'
import { describe, expect, test, vi } from 'vitest'
import { ask } from '../support/events-client.ts'
import { eventsPeer, pythonOfPeers } from '../support/mcp-peers.ts'
import { startMcpWorld } from '../support/mcp-world.ts'
import { patience } from '../support/patience.ts'
import { available } from '../support/require.ts'
import { startWebhookSink } from '../support/webhook-sink.ts'

describe.skipIf(!available('python-events'))('mcp-webhook-events', () => {
  test('takes the handshake and each event for its own, and nothing that was changed on the way', async () => {
    const { people, gateway, ann } = await startMcpWorld()
    const { proof } = await people.token(['mail:meta'], [ann])
    const sink = await startWebhookSink()
    const endpoint = sink.endpoint('python')
    const name = 'message.received'
    const { events } = await ask(people.url, proof, 'events/list')
    const definition = events.find((each: { name: string }) => each.name === name)
    const asked = { name, arguments: { account: ann } }
    const delivery = { mode: 'webhook', url: endpoint.url, secret: endpoint.secret }
    const { id } = await ask(people.url, proof, 'events/subscribe', { ...asked, delivery })
    for (const subject of ['for the agent', 'Grüße ✉']) {
      gateway.deliver({ subject, text: 'Hi', from: [{ name: 'Cy', email: 'cy@example.org' }] })
    }
    await vi.waitFor(() => expect(sink.of(endpoint).length).toBe(2), patience)
    expect(sink.faults).toEqual([])
    const deliveries = sink.taken.map(({ headers, text }) => ({ headers, text }))
    const judged = (given: object) => {
      const input = JSON.stringify({ secret: endpoint.secret, definition, ...asked, subscription: id, ...given })
      return spawnSync(pythonOfPeers, [eventsPeer], { input, encoding: 'utf8', timeout: patience })
    }
    const { stdout, stderr } = judged({ deliveries })
    expect([stderr, JSON.parse(stdout || 'null')]).toEqual([
      '',
      { taken: 3, events: sink.of(endpoint).map(each => each.id) },
    ])
    const changed = deliveries.map(each => ({ ...each, text: each.text.replace('cy@', 'eve@') }))
    expect(judged({ deliveries: changed }).stderr).toContain('No matching signature found')
    expect(judged({ deliveries, subscription: 'another' }).stderr).toContain('the id of the subscription')
  })
})
