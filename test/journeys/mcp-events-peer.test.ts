/**
 * MCP Events with the AI SDK: its client subscribes, its webhook handler receives, and both verify the extension's
 * output.
 */
import { describe, expect, test, vi } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { mcpPath } from '../../contract/mcp.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { requireOfPeers } from '../support/mcp-peers.ts'
import { patience } from '../support/patience.ts'
import { startApp } from '../support/people.ts'
import { available } from '../support/require.ts'
import { untilIndexed, untilWatched } from '../support/until-indexed.ts'
import { startWebhookSink } from '../support/webhook-sink.ts'

/** The part of it that is used here. */
interface AiSdkMcp {
  createMCPClient(options: object): Promise<{ experimental_events: Events; close(): Promise<void> }>
  experimental_createMCPEventWebhook(options: object): (request: Request) => Promise<Response>
}

interface Subscribed {
  id: string
  cursor: string
  truncated: boolean
}

interface Events {
  list(): Promise<{ events: { name: string; delivery: string[] }[] }>
  subscribe(options: object): Promise<Subscribed>
  refresh(options: { id: string }): Promise<Subscribed>
  unsubscribe(options: { id: string }): Promise<void>
}

interface Kept {
  key: string
  id?: string
  delivery: { secret: string }
}

class MemoryStore {
  readonly kept = new Map<string, Kept>()
  async get(key: string) {
    return this.kept.get(key)
  }
  async getById(id: string) {
    return [...this.kept.values()].find(each => each.id === id)
  }
  async set(subscription: Kept) {
    this.kept.set(subscription.key, subscription)
  }
  async update(key: string, patch: Partial<Kept>) {
    this.kept.set(key, { ...this.kept.get(key)!, ...patch })
  }
  async delete(key: string) {
    this.kept.delete(key)
  }
}

describe.skipIf(!available('mcp-peers'))('@ai-sdk/mcp', () => {
  test('subscribes, takes what comes, refreshes, and is told of the end', async () => {
    const { createMCPClient, experimental_createMCPEventWebhook: createWebhook } = (await import(
      requireOfPeers.resolve('@ai-sdk/mcp')
    )) as AiSdkMcp
    const gateway = new MemoryGateway()
    gateway.deliver({ subject: 'before', text: 'Hi', from: [{ name: 'Cy', email: 'cy@example.org' }] })
    const { people } = await startApp({ overrides: { gateway } })
    const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user: 'ann', password: 'secret' }
    const path = `${api.accounts.createAccount.path}?verify=false`
    const made = await people.tell<Account>(people.admin, 'POST', path, { name: 'Ann', email: 'ann@example.org', imap })
    await untilIndexed(people, made.id, 1)
    await untilWatched(gateway, 1)
    const sink = await startWebhookSink()
    const token = await people.token(['mail:meta'], [made.id])
    const store = new MemoryStore()
    const client = await createMCPClient({
      transport: { type: 'http', url: people.url + mcpPath, headers: token.proof },
      experimental_events: { store },
    })
    const { experimental_events: events } = client
    expect((await events.list()).events.map(({ name }) => name)).toContain('message.received')
    const endpoint = sink.endpoint('ai-sdk')
    const [told, ends, faults] = [
      [] as { data: Record<string, unknown>; eventId: string }[],
      [] as unknown[],
      [] as unknown[],
    ]
    sink.handlers.set(
      endpoint.path,
      createWebhook({
        store,
        validatePayload: ({ definition, data }: { definition: { payloadSchema: object }; data: object }) => {
          const { required } = definition.payloadSchema as { required: string[] }
          for (const name of required) if (!(name in data)) throw new Error(`${name} is missing`)
        },
        onEvent: async ({ event }: { event: (typeof told)[number] }) => void told.push(event),
        onTerminated: async ({ termination }: { termination: unknown }) => void ends.push(termination),
        onError: (error: unknown) => void faults.push(error),
      }),
    )
    const asked = {
      name: 'message.received',
      arguments: { account: made.id },
      delivery: { mode: 'webhook', url: endpoint.url },
      ttlMs: 3_600_000,
    }
    const subscribed = await events.subscribe(asked)
    expect(subscribed).toMatchObject({ truncated: false, cursor: expect.any(String) })
    gateway.deliver({ subject: 'for the agent', text: 'Hi', from: [{ name: 'Cy', email: 'cy@example.org' }] })
    await vi.waitFor(() => expect(told.length).toBe(1), patience)
    expect(told[0]!.data).toMatchObject({ account: made.id, from: 'cy@example.org' })
    expect(await events.refresh({ id: subscribed.id })).toMatchObject({ id: subscribed.id, truncated: false })
    gateway.deliver({ subject: 'one more', text: 'Hi', from: [{ name: 'Cy', email: 'cy@example.org' }] })
    await vi.waitFor(() => expect(told.length).toBe(2), patience)
    // Another subscription to the same endpoint, cancelled again, gets nothing, and takes nothing from the first.
    const other = await events.subscribe({ ...asked, arguments: { account: made.id, folder: 'INBOX' } })
    expect(other.id).not.toBe(subscribed.id)
    await events.unsubscribe({ id: other.id })
    expect(store.kept.size).toBe(1)
    gateway.deliver({ subject: 'for the first', text: 'Hi', from: [{ name: 'Cy', email: 'cy@example.org' }] })
    await vi.waitFor(() => expect(told.length).toBe(3), patience)
    await people.tell(people.admin, 'DELETE', `${api.tokens.createToken.path}/${token.id}`)
    await vi.waitFor(() => expect(ends.length).toBe(1), patience)
    expect(ends).toMatchObject([{ type: 'terminated', error: { code: -32_024, message: 'Forbidden' } }])
    expect([store.kept.size, told.length, faults]).toEqual([0, 3, []])
    await client.close().catch(() => undefined)
  })
})
