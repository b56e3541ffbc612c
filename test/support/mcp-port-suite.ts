/**
 * What every MCP adapter does, on each of its transports and in each revision; run by `server/mcp/mcp-port.test.ts`.
 */
import { connectLegacy, type legacy, modern, requestModern } from './mcp-frames-client.ts'
import { describeHttpBefore } from './mcp-port-before.ts'
import { describeModernHttp } from './mcp-port-modern.ts'
import { describeSessions } from './mcp-port-sessions.ts'
import { type CreateAdapter, setUp } from './mcp-port-set-up.ts'
import { describeWrongParams } from './mcp-port-wrong-params.ts'

/** Returns the serialised result of `tools/list`, to compare adapters. */
export async function listedBytes(create: CreateAdapter, revision: string): Promise<string> {
  const { port } = setUp(create)
  if (revision === modern) return JSON.stringify((await requestModern(port, 'tools/list')).result)
  const client = await connectLegacy(port, revision as (typeof legacy)[number])
  return JSON.stringify((await client.ask('tools/list')).result)
}

export function describeMcpPort(name: string, create: CreateAdapter): void {
  describeModernHttp(name, create)
  describeWrongParams(name, create)
  describeHttpBefore(name, create)
  describeSessions(name, create)
}
