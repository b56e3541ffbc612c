/** The common set-up of the MCP adapter suites: an adapter over the fixture offer. */
import { onTestFinished, vi } from 'vitest'
import type { McpAdapterOptions, McpChange, McpPort } from '../../server/mcp/mcp-port.ts'
import { createFixtureOffer } from './mcp-fixture-offer.ts'
import type { Frame } from './mcp-frames-client.ts'

export const stateKey = new Uint8Array(32).fill(7)
export const meta = 'io.modelcontextprotocol'

export type CreateAdapter = (options: McpAdapterOptions) => McpPort

export function setUp(create: CreateAdapter) {
  const opened = new Set<{ publish(change: McpChange): void }>()
  const offer = createFixtureOffer({ publish: change => opened.forEach(one => void one.publish(change)) })
  const onFault = vi.fn<(error: Error) => void>()
  const port = create({ offer, stateKey, onFault, onPeerFault: () => undefined })
  onTestFinished(() => port.close())
  return { offer, port, onFault, opened }
}

export const textOf = ({ result }: Frame) => (result?.content as { text?: string }[] | undefined)?.[0]?.text ?? ''
export const call = (name: string, input: object = {}) => ({ name, arguments: input })
export const names = (list: unknown) => (list as { name: string }[]).map(({ name }) => name)
